import { childrenOf, type Node, nodeIn, nodesIn, textIn } from './template-nodes'

/** Names that every template knows. */
export const GLOBALS: ReadonlySet<string> = new Set([
  ...['true', 'false', 'none', 'True', 'False', 'None'],
  ...['range', 'namespace', 'dict'],
])

/** The variables that a template uses and does not set itself. */
export function variablesOf(program: Node): Set<string> {
  const found = new Set<string>()
  visit(program, new Set(GLOBALS), found)
  return found
}

type Visitor = (node: Node, bound: Set<string>, found: Set<string>) => void

// Where names are bound, or are no variables; everywhere else the nodes below are looked at in turn.
const visitors: Readonly<Record<string, Visitor>> = {
  Identifier(node, bound, found) {
    const name = textIn(node, 'value')
    if (!bound.has(name)) found.add(name)
  },
  MemberExpression(node, bound, found) {
    visitAll([nodeIn(node, 'object')], bound, found)
    if (Reflect.get(node, 'computed') === true) visitAll([nodeIn(node, 'property')], bound, found)
  },
  FilterExpression(node, bound, found) {
    const filter = nodeIn(node, 'filter')
    visitAll(
      [nodeIn(node, 'operand'), ...(filter === undefined ? [] : nodesIn(filter, 'args'))],
      bound,
      found,
    )
  },
  TestExpression: (node, bound, found) => visitAll([nodeIn(node, 'operand')], bound, found),
  // An operator is a word, too.
  BinaryExpression: (node, bound, found) =>
    visitAll([nodeIn(node, 'left'), nodeIn(node, 'right')], bound, found),
  UnaryExpression: (node, bound, found) => visitAll([nodeIn(node, 'argument')], bound, found),
  KeywordArgumentExpression: (node, bound, found) => visitAll([nodeIn(node, 'value')], bound, found),
  For(node, bound, found) {
    const inner = new Set([...bound, ...targetsOf(nodeIn(node, 'loopvar')), 'loop'])
    const iterable = nodeIn(node, 'iterable')
    if (iterable?.type === 'SelectExpression') {
      visitAll([nodeIn(iterable, 'lhs')], bound, found)
      visitAll([nodeIn(iterable, 'test')], inner, found)
    } else visitAll([iterable], bound, found)
    visitAll(nodesIn(node, 'body'), inner, found)
    visitAll(nodesIn(node, 'defaultBlock'), bound, found)
  },
  Set(node, bound, found) {
    visitAll([nodeIn(node, 'value'), ...nodesIn(node, 'body')], bound, found)
    for (const name of targetsOf(nodeIn(node, 'assignee'))) bound.add(name)
  },
  Macro(node, bound, found) {
    bound.add(textIn(nodeIn(node, 'name'), 'value'))
    visitFunction(node, 'args', bound, found)
  },
  CallStatement(node, bound, found) {
    visitAll([nodeIn(node, 'call')], bound, found)
    visitFunction(node, 'callerArgs', bound, found)
  },
}

function visit(node: Node, bound: Set<string>, found: Set<string>): void {
  const visitor = visitors[node.type]
  if (visitor === undefined) visitAll(childrenOf(node), bound, found)
  else visitor(node, bound, found)
}

function visitAll(nodes: (Node | undefined)[], bound: Set<string>, found: Set<string>): void {
  for (const node of nodes) if (node !== undefined) visit(node, bound, found)
}

function visitFunction(node: Node, field: string, bound: Set<string>, found: Set<string>): void {
  const parameters = nodesIn(node, field)
  const names = parameters.map((one) => textIn(nodeIn(one, 'key') ?? one, 'value'))
  visitAll(
    parameters.map((one) => (one.type === 'Identifier' ? undefined : nodeIn(one, 'value'))),
    bound,
    found,
  )
  visitAll(nodesIn(node, 'body'), new Set([...bound, ...names, 'caller', 'varargs', 'kwargs']), found)
}

function targetsOf(node: Node | undefined): string[] {
  if (node === undefined) return []
  if (node.type === 'Identifier') return [textIn(node, 'value')]
  return node.type === 'TupleLiteral' ? nodesIn(node, 'value').flatMap(targetsOf) : []
}
