import type { WireProtocolId } from './protocol'
import type { CacheMarker, Extras } from './request'

/** Where the bytes of an image, a file or a sound are. */
export type Media =
  | { kind: 'url'; url: string; mediaType?: string | undefined }
  | { kind: 'base64'; base64: string; mediaType: string }
  /** Plain text given as a document. */
  | { kind: 'text'; text: string; mediaType: string }
  /** Stored at the provider; it means nothing to another one. */
  | { kind: 'file_id'; id: string; protocol: WireProtocolId; mediaType?: string | undefined }

/** Where a statement of the answer comes from. */
export interface Citation {
  url?: string | undefined
  title?: string | undefined
  citedText?: string | undefined
  /** The statement's place in the text of its part, in UTF-16 units. */
  startIndex?: number | undefined
  endIndex?: number | undefined
  /** As its own protocol told it, so that the same protocol tells it the same way. */
  native?: { protocol: WireProtocolId; value: unknown } | undefined
}

/**
 * What a provider gives to prove that a piece of reasoning is its own; it must come back byte for byte, and means
 * nothing to a provider of another family.
 */
export interface ReasoningProof {
  /** Whose it is. Hosts of the same models share a family: Claude at Amazon is `anthropic`. */
  family: 'openai' | 'anthropic' | 'gemini'
  /** A signature over the text that stands beside it (thinking signature, thought signature). */
  signature?: string | undefined
  /** The reasoning itself, encrypted (OpenAI `encrypted_content`, Anthropic `redacted_thinking`). */
  encrypted?: string | undefined
  /** The id of the reasoning item (OpenAI Responses). */
  id?: string | undefined
}

/** What several kinds of parts have. */
interface Common {
  cache?: CacheMarker | undefined
  /** Where it stands in the client's request; absent in replies. */
  at?: string | undefined
  extras?: Extras | undefined
}

/** A piece of a message. */
export type Part =
  /** `proof`: Gemini signs texts and tool calls too. */
  | ({
      kind: 'text'
      text: string
      citations?: readonly Citation[] | undefined
      proof?: ReasoningProof | undefined
    } & Common)
  | ({ kind: 'refusal'; text: string } & Common)
  | ({ kind: 'image'; media: Media; detail?: string | undefined } & Common)
  /** A PDF or another document. `isCited`: the answer may cite from it. */
  | ({
      kind: 'file'
      media: Media
      name?: string | undefined
      context?: string | undefined
      isCited?: boolean | undefined
      /** As its own protocol wrote it, where it is more than a file there. */
      native?: { protocol: WireProtocolId; value: Readonly<Record<string, unknown>> } | undefined
    } & Common)
  | ({ kind: 'audio'; media: Media; transcript?: string | undefined; id?: string | undefined } & Common)
  | ({ kind: 'video'; media: Media } & Common)
  /** `argumentsJson` is JSON text for a function, and free text when `isCustom`. */
  | ({
      kind: 'tool_call'
      id: string
      name: string
      argumentsJson: string
      isCustom?: boolean | undefined
      proof?: ReasoningProof | undefined
    } & Common)
  | ({
      kind: 'tool_result'
      callId: string
      /** The tool's name, where the protocol tells it. */
      name?: string | undefined
      parts: readonly Part[]
      isError?: boolean | undefined
      isCustom?: boolean | undefined
    } & Common)
  /** `text` is what the provider shows; `isSummary` when that is a summary. Empty when all is encrypted. */
  | ({
      kind: 'reasoning'
      text: string
      isSummary?: boolean | undefined
      proof?: ReasoningProof | undefined
    } & Common)
  /** Known to one protocol only, such as the blocks of a tool that the provider ran itself. */
  | ({ kind: 'native'; type: string; protocol: WireProtocolId; value: unknown } & Common)
