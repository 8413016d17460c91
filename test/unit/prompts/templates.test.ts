import { describe, expect, test } from 'vitest'
import { compileTemplate, variableValues } from '../../../src/prompts/template'
import { Budget } from '../../../src/prompts/template-budget'
import fixture from './jinja.json' with { type: 'json' }

const values = variableValues(fixture.variables)

describe('templates come out as Jinja makes them', () => {
  test.each(fixture.cases)('$template', ({ template, output }) => {
    expect(compileTemplate(template).render({ values, isStrict: false, budget: new Budget() })).toBe(output)
  })
})
