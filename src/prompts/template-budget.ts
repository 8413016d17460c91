import { TemplateError } from './template-error'

/** Parts of a template that are looked at in one rendering, each pass of a loop anew. */
const MAX_STEPS = 200_000
/** What the engine does for each pass of a loop, before anything in it is looked at. */
const STEPS_OF_A_PASS = 4
/** An element is an object, a character is not. */
const CHARACTERS_OF_AN_ELEMENT = 8
const MAX_DEPTH = 400
/** Characters and elements that are made in one rendering, also those that are thrown away again. */
const MAX_MADE = 16 * 1024 * 1024
/** What one text may have; a model that reads more is not sold yet. */
const MAX_CHARACTERS = 4 * 1024 * 1024
const MAX_ELEMENTS = 20_000

/** What one rendering may take; it is spent by steps, so that no template can run for ever. */
export class Budget {
  private steps = 0
  private depth = 0
  private made = 0

  /** @throws TemplateError when too much was done */
  enter(): void {
    this.step(1)
    if (++this.depth > MAX_DEPTH) throw new TemplateError(`it is nested deeper than ${MAX_DEPTH}`)
  }

  /** A part that was entered is done. */
  leave(): void {
    this.depth--
  }

  /** A loop is about to go through so many elements. */
  loop(elements: number): void {
    this.list(elements)
    this.step(elements * STEPS_OF_A_PASS)
  }

  /** Characters that are about to be made. */
  make(characters: number): void {
    if (characters > MAX_CHARACTERS)
      throw new TemplateError(`a text is longer than ${MAX_CHARACTERS} characters`)
    this.spend(characters)
  }

  /** Elements of a list that are about to be made or gone through. */
  list(elements: number): void {
    if (elements > MAX_ELEMENTS) throw new TemplateError(`a list has more than ${MAX_ELEMENTS} elements`)
    this.spend(elements * CHARACTERS_OF_AN_ELEMENT)
  }

  private step(steps: number): void {
    this.steps += steps
    if (this.steps > MAX_STEPS) throw new TemplateError(`it takes more than ${MAX_STEPS} steps`)
  }

  private spend(amount: number): void {
    this.made += amount
    if (this.made > MAX_MADE) throw new TemplateError('it makes too much text')
  }
}
