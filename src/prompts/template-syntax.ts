import { parse, tokenize } from '@huggingface/jinja'
import { TemplateError, templateError } from './template-error'
import { fieldOf, isNode, type Node, nodeIn } from './template-nodes'
import { type Piece, piecesOf } from './template-pieces'

type Token = ReturnType<typeof tokenize>[number]

const MAX_TEMPLATE_CHARACTERS = 256 * 1024
const MAX_TOKENS = 20_000

/** The text and tags of a template, and its syntax tree; the tree only where a tag says more than one name. */
export interface ParsedTemplate {
  pieces: readonly Piece[]
  program: ReturnType<typeof parse>
}

/**
 * Reads a template. The words of each tag are the engine's to read; cutting the template into text and tags is done here,
 * since the engine's own way takes time that grows with the square of a run of blanks, and knows no raw blocks.
 * @throws TemplateError
 */
export function parseTemplate(template: string): ParsedTemplate {
  if (template.length > MAX_TEMPLATE_CHARACTERS)
    throw new TemplateError(`it is longer than ${MAX_TEMPLATE_CHARACTERS} characters`)
  const pieces = piecesOf(template)
  try {
    const tokens = withTestArguments(pieces.flatMap(tokensOf))
    if (tokens.length > MAX_TOKENS) throw new TemplateError(`it has more than ${MAX_TOKENS} words`)
    const program = parse(tokens)
    prepareBodies(program)
    return { pieces, program }
  } catch (cause) {
    throw templateError(cause)
  }
}

function tokensOf(piece: Piece): Token[] {
  if (piece.kind === 'text') return [{ value: piece.text, type: 'Text' }]
  return tokenize(piece.opener === '{{' ? `{{ ${piece.words} }}` : `{% ${piece.words} %}`)
}

/** Tests that take what stands behind them without brackets. */
const TESTS_OF_TWO = new Set([
  ...[
    'divisibleby',
    'sameas',
    'in',
    'eq',
    'equalto',
    'ne',
    'lt',
    'lessthan',
    'le',
    'gt',
    'greaterthan',
    'ge',
  ],
])
const SIMPLE_ARGUMENTS = new Set(['NumericLiteral', 'StringLiteral', 'Identifier'])
const NO_ARGUMENTS = new Set(['and', 'or', 'not', 'is', 'if', 'else', 'in'])

/** The engine reads no test with an argument: such a one becomes a filter, which binds alike, with `is` in its name. */
function withTestArguments(tokens: readonly Token[]): Token[] {
  const changed: Token[] = []
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]
    if (token === undefined) break
    const isNot = isWord(tokens[at + 1], 'not')
    const name = tokens[isNot ? at + 2 : at + 1]
    const next = tokens[isNot ? at + 3 : at + 2]
    if (!isWord(token, 'is') || name?.type !== 'Identifier') {
      changed.push(token)
      continue
    }
    const wantsBrackets = TESTS_OF_TWO.has(name.value) && next !== undefined && isArgument(next)
    if (next?.type !== 'OpenParen' && !wantsBrackets) {
      changed.push(token)
      continue
    }
    at += isNot ? 2 : 1
    changed.push(
      { value: '|', type: 'Pipe' },
      { value: `is ${isNot ? 'not ' : ''}${name.value}`, type: 'Identifier' },
    )
    if (!wantsBrackets) continue
    const end = next?.type === 'OpenSquareBracket' ? endOfList(tokens, at + 1) : at + 2
    const given = withTestArguments(tokens.slice(at + 1, end))
    changed.push({ value: '(', type: 'OpenParen' }, ...given, { value: ')', type: 'CloseParen' })
    at = end - 1
  }
  return changed
}

function isWord(token: Token | undefined, word: string): boolean {
  return token?.type === 'Identifier' && token.value === word
}

function isArgument({ type, value }: Token): boolean {
  return type === 'OpenSquareBracket' || (SIMPLE_ARGUMENTS.has(type) && !NO_ARGUMENTS.has(value))
}

function endOfList(tokens: readonly Token[], open: number): number {
  let depth = 0
  for (let at = open; at < tokens.length; at++) {
    if (tokens[at]?.type === 'OpenSquareBracket') depth++
    if (tokens[at]?.type === 'CloseSquareBracket') depth--
    if (depth === 0) return at + 1
  }
  return tokens.length
}

const BODIES = ['body', 'alternate', 'defaultBlock']
const STATEMENTS = new Set([
  ...['Set', 'If', 'For', 'Macro', 'CallStatement', 'Break', 'Continue', 'Comment', 'StringLiteral'],
])

/**
 * Marks what is printed and what is looped over, so that the interpreter can print it as Jinja does and tell what is
 * missing: an expression in a body becomes an `Output`, and what a loop goes through an `Iterated`.
 */
function prepareBodies(node: Node): void {
  for (const field of BODIES) {
    const body = fieldOf(node, field)
    if (!Array.isArray(body)) continue
    for (const statement of body.filter(isNode)) prepareBodies(statement)
    body.splice(0, body.length, ...body.filter(isNode).map(printed))
  }
  if (node.type !== 'For') return
  const iterable = nodeIn(node, 'iterable')
  const holder = iterable?.type === 'SelectExpression' ? iterable : node
  const field = holder === node ? 'iterable' : 'lhs'
  Reflect.set(holder, field, { type: 'Iterated', expression: nodeIn(holder, field) })
}

function printed(statement: Node): Node {
  if (STATEMENTS.has(statement.type)) return statement
  if (statement.type !== 'FilterStatement') return output(statement)
  const block = { type: 'Program', body: fieldOf(statement, 'body') }
  return output({ ...{ operand: block, filter: nodeIn(statement, 'filter') }, type: 'FilterExpression' })
}

function output(expression: Node): Node {
  const node = { type: 'Output', expression }
  return node
}
