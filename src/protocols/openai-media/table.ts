import type { Protocol } from '../protocol'
import { completions } from './completions'
import { embeddings } from './embeddings'
import { imageEdits, imageGenerations, imageVariations } from './images'
import { moderations } from './moderations'
import { rerank } from './rerank'
import { speech } from './speech'
import { transcriptions, translations } from './transcriptions'

/** The endpoints beside chat, by the path that clients know them by, behind a base. */
export const mediaEndpoints: Readonly<Record<string, Protocol>> = {
  '/embeddings': embeddings,
  '/completions': completions,
  '/images/generations': imageGenerations,
  '/images/edits': imageEdits,
  '/images/variations': imageVariations,
  '/audio/speech': speech,
  '/audio/transcriptions': transcriptions,
  '/audio/transcription': transcriptions,
  '/audio/translations': translations,
  '/moderations': moderations,
  '/rerank': rerank,
}
