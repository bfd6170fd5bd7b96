/** The long tier runs the end-to-end tests against an engine built with AddressSanitizer: slower and larger. */
export const SANITIZED = process.env.ASAN_OPTIONS !== undefined;

/** Quarantine and shadow memory: what a test allows for memory is multiplied by this. */
export const MEMORY_FACTOR = SANITIZED ? 20 : 1;
