import { defineConfig } from 'drizzle-kit'

/** `npm run migrations` for the database CONFIG. */
export default defineConfig({
  dialect: 'sqlite',
  schema: ['./src/platform/config-schema.ts', './src/platform/prompts-schema.ts'],
  out: './migrations/config',
})
