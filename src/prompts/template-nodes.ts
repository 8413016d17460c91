/** A node of the engine's syntax tree, whose fields are looked up by name. */
export interface Node {
  type: string
}

/** A field of a node. */
export function fieldOf(node: object, name: string): unknown {
  const value: unknown = Reflect.get(node, name)
  return value
}

/** Whether a value is a node. */
export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** The node in a field; undefined when there is none. */
export function nodeIn(node: object, name: string): Node | undefined {
  const value = fieldOf(node, name)
  return isNode(value) ? value : undefined
}

/** The nodes of a list in a field. */
export function nodesIn(node: object, name: string): Node[] {
  const value = fieldOf(node, name)
  return Array.isArray(value) ? value.filter(isNode) : []
}

/** The text in a field: an identifier's name, an operator. */
export function textIn(node: object | undefined, name: string): string {
  const value = node === undefined ? undefined : fieldOf(node, name)
  return typeof value === 'string' ? value : ''
}

/** All nodes directly below a node, in whatever field. */
export function childrenOf(node: Node): Node[] {
  return Object.values(node).flatMap(nodesOf)
}

function nodesOf(value: unknown): Node[] {
  if (Array.isArray(value)) return value.flatMap(nodesOf)
  if (value instanceof Map) return [...value].flatMap(([key, below]) => [...nodesOf(key), ...nodesOf(below)])
  return isNode(value) ? [value] : []
}

/** What an expression is called in the template, as `user.name`; undefined for what is no name. */
export function nameOf(node: Node | undefined): string | undefined {
  if (node === undefined) return undefined
  if (node.type === 'Identifier') return textIn(node, 'value')
  if (node.type !== 'MemberExpression') return undefined
  const object = nameOf(nodeIn(node, 'object'))
  const property = nodeIn(node, 'property')
  if (object === undefined || property === undefined) return undefined
  const value = fieldOf(property, 'value')
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  return typeof value === 'string' ? `${object}.${value}` : `${object}[${value}]`
}
