import { Environment, Interpreter } from '@huggingface/jinja'
import type { Arguments } from './template-arguments'
import type { Budget } from './template-budget'
import { MissingVariable, TemplateError } from './template-error'
import { filterNamed, TAKES_UNDEFINED } from './template-filters'
import { cycled, loopItems, methodOf, rangeOf } from './template-methods'
import { fieldOf, type Node, nameOf, nodeIn, nodesIn, textIn } from './template-nodes'
import { operators } from './template-operators'
import { testNamed } from './template-tests'
import { isTruthy, isUndefined, textOf, UNDEFINED, type Value, valueOf } from './template-values'

/** A test that takes an argument, as the syntax has it. */
const TEST = /^is (not )?(.*)$/

/**
 * The engine with a budget. It keeps scopes, conditions, loops, macros and access to fields, which reach maps of a
 * value's own fields and never an object of JavaScript's; printing, operators, filters, tests and methods are done here,
 * so that they take no more than the budget has and come out as in Jinja.
 */
export class BoundedInterpreter extends Interpreter {
  private readonly budget: Budget
  private readonly isStrict: boolean

  constructor({ values, isStrict, budget }: Variables) {
    super(environmentOf(values))
    this.isStrict = isStrict
    this.budget = budget
  }

  override evaluate(node: Node | undefined, environment: Environment): Value {
    if (node === undefined) return UNDEFINED
    this.budget.enter()
    try {
      return this.handled(node, environment)
    } finally {
      // The engine leaves a loop by throwing.
      this.budget.leave()
    }
  }

  private handled(node: Node, environment: Environment): Value {
    switch (node.type) {
      case 'Output':
        return this.output(nodeIn(node, 'expression'), environment)
      case 'Iterated': {
        const expression = nodeIn(node, 'expression')
        return loopItems(this.present(expression, environment), this.budget)
      }
      case 'BinaryExpression':
        return this.binary(node, environment)
      case 'FilterExpression':
        return this.filtered(node, environment)
      case 'TestExpression': {
        const test = testNamed(textIn(nodeIn(node, 'test'), 'value'))
        const result = test(this.evaluate(nodeIn(node, 'operand'), environment), UNDEFINED)
        return valueOf(result !== (fieldOf(node, 'negate') === true))
      }
      case 'CallExpression':
        return this.called(node, environment)
      default:
        return super.evaluate(node, environment)
    }
  }

  private output(expression: Node | undefined, environment: Environment): Value {
    const text = textOf(this.present(expression, environment))
    this.budget.make(text.length)
    return valueOf(text)
  }

  /** A value that is used: one that is missing is told by its name, unless missing ones are empty. */
  private present(node: Node | undefined, environment: Environment): Value {
    const value = this.evaluate(node, environment)
    if (!this.isStrict || !isUndefined(value)) return value
    const name = nameOf(node)
    if (name === undefined) return value
    const [root = name] = name.split(/[.[]/)
    throw new MissingVariable(isUndefined(environment.lookupVariable(root)) ? root : name)
  }

  private binary(node: Node, environment: Environment): Value {
    const word = textIn(nodeIn(node, 'operator'), 'value')
    const [first, second] = [nodeIn(node, 'left'), nodeIn(node, 'right')]
    if (word === 'and' || word === 'or') {
      const left = this.evaluate(first, environment)
      return isTruthy(left) === (word === 'and') ? this.evaluate(second, environment) : left
    }
    const operator = operators[word]
    if (operator === undefined) throw new TemplateError(`there is no operator '${word}'`)
    const isComparison = word === '==' || word === '!=' || word === 'in' || word === 'not in'
    const operand = (side: Node | undefined) =>
      isComparison ? this.evaluate(side, environment) : this.present(side, environment)
    return operator(operand(first), operand(second), this.budget)
  }

  private filtered(node: Node, environment: Environment): Value {
    const filter = nodeIn(node, 'filter')
    const isCall = filter?.type === 'CallExpression'
    const name = textIn(isCall ? nodeIn(filter, 'callee') : filter, 'value')
    const given = isCall ? this.argumentsOf(filter, environment) : NO_ARGUMENTS
    const operand = nodeIn(node, 'operand')
    const [isTest, not, test = ''] = TEST.exec(name) ?? []
    if (isTest !== undefined) {
      const result = testNamed(test)(this.evaluate(operand, environment), given.given[0] ?? UNDEFINED)
      return valueOf(result === (not === undefined))
    }
    const apply = filterNamed(name)
    const value = TAKES_UNDEFINED.has(name)
      ? this.evaluate(operand, environment)
      : this.present(operand, environment)
    return apply(value, given, this.budget)
  }

  private called(node: Node, environment: Environment): Value {
    const callee = nodeIn(node, 'callee')
    if (callee?.type === 'Identifier') {
      const name = textIn(callee, 'value')
      const isOwn = isUndefined(environment.lookupVariable(name))
      if (isOwn && name === 'range') return rangeOf(this.argumentsOf(node, environment), this.budget)
      if (isOwn && name === 'dict') return mapValue(this.argumentsOf(node, environment).named)
      if (isOwn) throw new TemplateError(`there is no function '${name}'`)
    }
    if (callee?.type !== 'MemberExpression' || fieldOf(callee, 'computed') === true)
      return super.evaluate(node, environment)
    const name = textIn(nodeIn(callee, 'property'), 'value')
    const object = this.present(nodeIn(callee, 'object'), environment)
    const given = this.argumentsOf(node, environment)
    if (name === 'cycle' && object.value instanceof Map && object.value.has('index0'))
      return cycled(given, object.value.get('index0') ?? UNDEFINED)
    const method = methodOf(object, name)
    if (method === undefined) throw new TemplateError(`there is no method '${name}' here`)
    return method(given, this.budget)
  }

  private argumentsOf(call: Node, environment: Environment): Arguments {
    const given: Value[] = []
    const named = new Map<string, Value>()
    for (const node of nodesIn(call, 'args')) {
      if (node.type === 'SpreadExpression' || node.type === 'KeywordSpreadExpression')
        throw new TemplateError("'*' and '**' are not supported here")
      if (node.type === 'KeywordArgumentExpression')
        named.set(textIn(nodeIn(node, 'key'), 'value'), this.evaluate(nodeIn(node, 'value'), environment))
      else given.push(this.evaluate(node, environment))
    }
    return { given, named }
  }
}

/** Values for templates, whether one that is missing is an error, and what all templates together may take. */
export interface Variables {
  values: ReadonlyMap<string, Value>
  isStrict: boolean
  budget: Budget
}

const NO_ARGUMENTS: Arguments = { given: [], named: new Map() }

// Without the engine's own globals, which read the clock and are not bounded.
function environmentOf(variables: ReadonlyMap<string, Value>): Environment {
  const constants: [string, unknown][] = [
    ...[
      ['true', true] as const,
      ['True', true] as const,
      ['false', false] as const,
      ['False', false] as const,
    ],
    ...[['none', null] as const, ['None', null] as const],
  ].map(([name, value]) => [name, value])
  const environment = new Environment()
  for (const [name, value] of constants) environment.setVariable(name, valueOf(value))
  for (const [name, value] of variables) environment.setVariable(name, value)
  return environment
}

function mapValue(entries: ReadonlyMap<string, Value>): Value {
  const made = valueOf({})
  if (made.value instanceof Map) for (const [name, value] of entries) made.value.set(name, value)
  return made
}
