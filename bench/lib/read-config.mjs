// Run with a Node that wrangler accepts: prints a wrangler configuration, normalised, as JSON.
import { unstable_readConfig } from 'wrangler'

process.stdout.write(JSON.stringify(unstable_readConfig({ config: process.argv[2] }, { hideWarnings: true })))
