import { describe, expect, test } from 'vitest'
import { compileTemplate, variableValues } from '../../../src/prompts/template'
import { Budget } from '../../../src/prompts/template-budget'
import { MissingVariable, TemplateError } from '../../../src/prompts/template-error'
import fixture from './jinja.json' with { type: 'json' }

const values = variableValues(fixture.variables)

describe('templates come out as Jinja makes them', () => {
  test.each(fixture.cases)('$template', ({ template, output }) => {
    expect(compileTemplate(template).render({ values, isStrict: false, budget: new Budget() })).toBe(output)
  })
})

const given = (variables: Record<string, unknown> = {}) => ({
  values: variableValues(variables),
  isStrict: true,
  budget: new Budget(),
})
const rendered = (source: string, variables: Record<string, unknown> = {}) =>
  compileTemplate(source).render(given(variables))

/** What a template ends with; each of these must end soon, and with an error of its own. */
function problem(source: string, variables: Record<string, unknown> = {}): string {
  try {
    return `rendered ${rendered(source, variables).length} characters`
  } catch (cause) {
    if (!(cause instanceof TemplateError)) throw cause
    return cause.message
  }
}

describe('where Jinja is not followed', () => {
  test.each<[string, string, Record<string, unknown>]>([
    [
      '{{ data | tojson }}',
      `{"b": "<it's>", "a": [1, 2.5, null, true]}`,
      { data: { b: "<it's>", a: [1, 2.5, null, true] } },
    ],
    ['{{ data | tojson(indent=2) }}', '{\n  "a": [\n    1\n  ],\n  "b": {}\n}', { data: { a: [1], b: {} } }],
    ['{{ d.items }}', 'mine', { d: { items: 'mine' } }],
    ['{{ now is defined }}', 'False', {}],
    ['{% for i in range(500) %}{% if i > 1 %}{% continue %}{% endif %}{{ i }}{% endfor %}', '01', {}],
  ])('%s', (source, output, variables) => {
    expect(rendered(source, variables)).toBe(output)
  })
})

describe('variables', () => {
  test.each<[string, string[]]>([
    ['{{ a }} {{ b.c }} {{ d[e] }}', ['a', 'b', 'd', 'e']],
    [
      '{% for x in xs if x.on and y %}{{ x }}{{ loop.index }}{% else %}{{ z }}{% endfor %}{{ x }}',
      ['xs', 'y', 'z', 'x'],
    ],
    ['{% set a = b %}{{ a }}{{ c | default(d) }}', ['b', 'c', 'd']],
    ['{% macro m(p, q=r) %}{{ p }}{{ q }}{{ s }}{% endmacro %}{{ m(t, q=u) }}', ['r', 's', 't', 'u']],
    ['{{ "{{ no }}" }}{# {{ no }} #}{% raw %}{{ no }}{% endraw %}', []],
    [
      '{% if a is divisibleby(b) and c in [d] %}{{ true }}{{ range(e) }}{% endif %}',
      ['a', 'b', 'c', 'd', 'e'],
    ],
    ['{% call(v) f(a) %}{{ v }}{{ w }}{% endcall %}', ['f', 'a', 'w']],
  ])('of %s', (source, names) => {
    expect([...compileTemplate(source).variables].sort()).toEqual([...names].sort())
  })

  test.each<[string, string, Record<string, unknown>]>([
    ['{{ a }}', 'a', {}],
    ['{{ a | upper }}', 'a', {}],
    ['{{ a.b }}', 'a', {}],
    ['{{ a.b }}', 'a.b', { a: {} }],
    ['{{ a.b.c }}', 'a.b.c', { a: { b: {} } }],
    ['{{ "x" ~ a }}', 'a', {}],
    ['{% for x in a %}{% endfor %}', 'a', {}],
    ['{{ a.__proto__ }}', 'a.__proto__', { a: {} }],
    ['{{ a.constructor }}', 'a.constructor', { a: 'text' }],
    ['{{ a["constructor"] }}', 'a.constructor', { a: [1] }],
    ['{{ a.b.constructor.constructor("return 1")() }}', 'a.b.constructor', { a: { b: 1 } }],
    ['{{ toString }}', 'toString', {}],
    ['{{ hasOwnProperty }}', 'hasOwnProperty', { x: 1 }],
  ])('%s without a value for %s is refused', (source, name, variables) => {
    expect(() => rendered(source, variables)).toThrow(MissingVariable)
    expect(() => rendered(source, variables)).toThrow(`'${name}'`)
  })

  test.each(['{% if a %}x{% endif %}', '{{ a | default("") }}', "{{ '' if a is defined }}", '{{ a == 1 }}'])(
    '%s says itself what becomes of an absent one',
    (source) => {
      expect(problem(source)).toMatch(/^rendered/)
    },
  )

  test('are data, whatever they say', () => {
    const hostile = '{{ secret }}{% for i in range(9) %}'
    expect(rendered('{{ a }}{{ a | upper | lower }}', { a: hostile, secret: 's' })).toBe(hostile + hostile)
    const own = JSON.parse('{"__proto__": {"x": 1}, "constructor": "c"}')
    expect(rendered('{{ a.constructor }}{{ a["__proto__"].x }}', { a: own })).toBe('c1')
  })
})

describe('hostile templates end, with an error', () => {
  const deep = (open: string, close: string, times: number) => `${open.repeat(times)}1${close.repeat(times)}`
  test.each<[string, string, RegExp]>([
    [
      'a loop in a loop',
      '{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}',
      /steps|too much/,
    ],
    ['a long range', '{{ range(10**9) | list }}', /elements/],
    ['a range without an end', '{{ range(0, 10, 0) }}', /step/],
    [
      'a text that doubles',
      '{% set x = "aaaaaaaa" %}{% for i in range(60) %}{% set x = x ~ x %}{% endfor %}{{ x }}',
      /longer than|too much/,
    ],
    [
      'a list that doubles',
      '{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}',
      /elements/,
    ],
    ['a repeated text', '{{ "abc" * 10**9 }}', /longer than/],
    ['a power', '{{ 10 ** 400 }}', /too large/],
    ['a replacement of nothing', '{{ ("a" * 100000) | replace("", "b" * 100000) }}', /longer than/],
    ['a replacing method', '{{ ("a" * 100000).replace("a", "b" * 100000) }}', /longer than/],
    ['a wide indent', '{{ "a" | indent(10**9, true) }}', /longer than/],
    ['a wide centre', '{{ "a" | center(10**9) }}', /longer than/],
    ['a long join', '{{ range(10000) | join("x" * 1000) }}', /longer than/],
    [
      'megabytes of output',
      '{% for i in range(20000) %}{{ "x" * 1000 }}{% endfor %}',
      /longer than|too much/,
    ],
    ['a macro that calls itself', '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}', /nested|steps/],
    [
      'macros that call each other',
      '{% macro f() %}{{ g() }}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}',
      /nested|steps/,
    ],
    ['a list in itself', '{% set a = [] %}{{ a.append(a) }}{{ a }}', /nested/],
    ['deep brackets', `{{ ${deep('(', ')', 3_900)} }}`, /nested|too early/],
    ['deep lists', `{{ ${deep('[', ']', 3_900)} }}`, /nested|too early/],
    ['deep conditions', deep('{% if 1 %}', '{% endif %}', 5_000), /nested|words/],
    ['deep loops', deep('{% for i in [1] %}', '{% endfor %}', 2_000), /nested|words/],
    ['a long sum', `{{ ${'1+'.repeat(3_900)}1 }}`, /nested|words/],
    ['a long tag', `{{ ${'a'.repeat(9_000)} }}`, /longer than/],
    ['many blanks in a tag', `{{ a${' '.repeat(9_000)}}}`, /longer than/],
    ['a huge template', 'x'.repeat(300_000), /longer than/],
    ['many tags', '{{1}}'.repeat(20_000), /words/],
    ['a sort of what has no order', '{{ [1, "a", none] | sort }}', /compared/],
    ['a function that is none', '{{ lipsum() }}', /no function/],
    ['the clock', '{{ strftime_now("%Y") }}', /no function/],
    ['a filter that is none', '{{ "a" | __proto__ }}', /no filter/],
    ['a filter of objects', '{{ "a" | constructor }}', /no filter/],
    ['a test that is none', '{{ "a" is constructor }}', /no test/],
    ['a method that is none', '{{ "a".constructor("x") }}', /no method/],
    ['another template', '{% include "x" %}', /include/],
    ['an open tag', '{{ a', /not closed/],
    ['an open block', '{% if a %}', /too early/],
    ['an open comment', '{# a', /not closed/],
    ['an open raw block', '{% raw %}a', /endraw/],
    ['a stray end', '{% endif %}', /endif/],
  ])('%s', (_name, source, expected) => {
    expect(problem(source)).toMatch(expected)
  })

  test('a run of blanks costs no more than its length', () => {
    const blanks = ' '.repeat(200_000)
    expect(rendered(`a${blanks}{{ b }}`, { b: 1 })).toHaveLength(200_002)
    expect(rendered(`a${blanks}{%- if b %}c{% endif %}`, { b: 1 })).toBe('ac')
  })

  test('all templates of a rendering share one budget', () => {
    const template = compileTemplate('{% for i in range(9999) %}{% if i %}{% endif %}{% endfor %}')
    const variables = given()
    const renderMany = () => Array.from({ length: 50 }, () => template.render(variables))
    expect(renderMany).toThrow('steps')
  })
})
