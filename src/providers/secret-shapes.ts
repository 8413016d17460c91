/** A kind of secret that its own shape gives away. */
export interface SecretShape {
  /** In the words of other gateways' redaction. */
  category: string
  /** Global, and of a length that has an end from wherever it begins: a hostile text costs no more than a long one. */
  pattern: RegExp
}

/** Keys and tokens by the shapes that their makers document; the more special come first. */
export const secretShapes: readonly SecretShape[] = [
  {
    category: 'PRIVATE_KEY',
    pattern:
      /-----BEGIN (?:[A-Z]{1,20} ){0,3}PRIVATE KEY-----[\s\S]{1,8192}?-----END (?:[A-Z]{1,20} ){0,3}PRIVATE KEY-----/g,
  },
  { category: 'ANTHROPIC_API_KEY', pattern: /\bsk-ant-[A-Za-z0-9_-]{16,255}/g },
  { category: 'OPENAI_API_KEY', pattern: /\bsk-(?:proj-|svcacct-|admin-|None-)?[A-Za-z0-9_-]{20,255}/g },
  { category: 'LANGSMITH_TOKEN', pattern: /\blsv2_(?:pt|sk)_[A-Za-z0-9_]{20,100}/g },
  { category: 'GITHUB_PAT', pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})/g },
  { category: 'GITLAB_PAT', pattern: /\bgl(?:pat|ptt|rt|dt|oas|cbt)-[A-Za-z0-9_.-]{20,100}/g },
  { category: 'AWS_ACCESS_KEY_ID', pattern: /\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b/g },
  {
    category: 'AWS_SECRET_ACCESS_KEY',
    pattern: /(?<=aws.{0,20}secret.{0,20}[=:]["' ]{0,3})[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])/gi,
  },
  { category: 'GCP_API_KEY', pattern: /\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])/g },
  { category: 'GOOGLE_OAUTH_TOKEN', pattern: /\b(?:ya29\.[A-Za-z0-9_-]{20,512}|GOCSPX-[A-Za-z0-9_-]{28})/g },
  {
    category: 'AZURE_AD_CLIENT_SECRET',
    pattern: /(?<![\w~.-])[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}(?![\w~.-])/g,
  },
  { category: 'SLACK_TOKEN', pattern: /\bxox[abeoprs]-[A-Za-z0-9-]{10,255}|\bxapp-[A-Za-z0-9-]{10,255}/g },
  {
    category: 'SLACK_WEBHOOK',
    pattern: /https:\/\/hooks\.slack\.com\/(?:services|workflows|triggers)\/[A-Za-z0-9/_-]{10,200}/g,
  },
  { category: 'PYPI_TOKEN', pattern: /\bpypi-[A-Za-z0-9_-]{50,512}/g },
  { category: 'NPM_TOKEN', pattern: /\bnpm_[A-Za-z0-9]{36}\b/g },
  {
    category: 'STRIPE_KEY',
    pattern: /\b(?:[rs]k_(?:live|test)_[A-Za-z0-9]{10,255}|whsec_[A-Za-z0-9]{24,255})/g,
  },
  { category: 'SENDGRID_KEY', pattern: /\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}/g },
  { category: 'HUGGINGFACE_TOKEN', pattern: /\bhf_[A-Za-z0-9]{30,100}\b/g },
  {
    category: 'JWT',
    pattern: /\beyJ[A-Za-z0-9_-]{8,2048}\.eyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{8,1024}/g,
  },
  { category: 'GATEWAY_API_KEY', pattern: /(?<![\w.])[A-Za-z0-9]{8}\.[A-Za-z0-9]{32}(?![\w.])/g },
]
