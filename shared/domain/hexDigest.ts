import { z } from 'zod'

/** A SHA-256 digest as 64 lower-case hexadecimal digits, without its algorithm: ids of keys, State Pack's `*_sha256`. */
export const hexDigestSchema = z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits are expected')
