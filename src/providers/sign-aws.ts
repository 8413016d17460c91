import { AwsV4Signer } from 'aws4fetch'

/** A request to be signed, whole: a signature holds for these very bytes only. */
export interface AwsCall {
  /** With the path encoded as it is sent. */
  url: string
  method: string
  body: string | Uint8Array<ArrayBuffer>
  region: string
  /** `bedrock` unless told otherwise. */
  service?: string | undefined
}

/** The keys of an account or of a session; only a session has a token. */
export interface AwsCredentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string | undefined
}

/**
 * The headers that sign a request by AWS's Signature Version 4, to be sent beside its own. `at` is an ISO 8601 time,
 * now when it is absent; AWS takes a signature for five minutes.
 */
export async function signAws(
  { url, method, body, region, service = 'bedrock' }: AwsCall,
  { accessKeyId, secretAccessKey, sessionToken }: AwsCredentials,
  at?: string,
): Promise<[string, string][]> {
  const signer = new AwsV4Signer({
    url,
    method,
    body,
    region,
    service,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    ...(at === undefined ? {} : { datetime: basicTime(at) }),
  })
  const { headers } = await signer.sign()
  return [...headers]
}

// 2015-08-30T12:36:00Z as 20150830T123600Z.
function basicTime(iso: string): string {
  return new Date(iso).toISOString().replaceAll(/[:-]|\.\d{3}/g, '')
}
