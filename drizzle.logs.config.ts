import { defineConfig } from 'drizzle-kit'

/** `npm run migrations` for the database LOGS. */
export default defineConfig({
  dialect: 'sqlite',
  schema: ['./src/platform/logs-schema.ts', './src/platform/usage-schema.ts'],
  out: './migrations/logs',
})
