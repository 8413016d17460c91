import { config } from 'zod/mini'
import en from 'zod/v4/locales/en.js'

// Without its words, which `zod` brings by itself, `zod/mini` says "Invalid input" and nothing more.
config(en())
