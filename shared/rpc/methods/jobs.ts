/** Jobs: long work that the engine does one after the other, whoever is watching. */
import { z } from 'zod'
import { digestSchema } from '../../domain/cartridge.ts'
import { ERROR_CODES, type ErrorCode } from '../../domain/error.ts'
import { nameSchema } from '../../domain/name.ts'
import { method, streaming } from '../method.ts'
import { progressSchema } from '../progress.ts'
import { modelSourceSchema } from './models.ts'
import { createdSchema, firstTokens, readingFields, sourceSchema } from './packets.ts'
import { fileBytes, fileFields } from './transfer.ts'
import { count } from './views.ts'

/**
 * `interrupted`: the engine ended while it was at work; it waits for a person. `cancelled` ones keep what they were to read
 * until they are dismissed, as failed ones do.
 */
const jobStateSchema = z.enum(['waiting', 'running', 'interrupted', 'failed', 'cancelled', 'done'])
export type JobState = z.infer<typeof jobStateSchema>

/** Texts that become a cartridge. */
const readTaskSchema = z.strictObject({
  kind: z.literal('read'),
  ...readingFields,
  firstTokens,
  /** A text that is too long becomes several cartridges; one that fits becomes one. */
  split: z.boolean().default(false),
  /** Then checks what each cartridge recalls. */
  check: z.boolean().default(true),
})
export type ReadTask = z.infer<typeof readTaskSchema>

/** A model to be fetched; goes on with an interrupted download. */
const downloadTaskSchema = z.strictObject({
  kind: z.literal('download'),
  hubId: z.string().min(3),
  revision: z.string().default('main'),
  source: modelSourceSchema,
})
export type DownloadTask = z.infer<typeof downloadTaskSchema>

/** How a reviewed `.cartridge` file is taken in. */
const importFields = { lenient: fileFields.lenient, trust: z.boolean().default(false), name: nameSchema.optional() }
const importTaskSchema = z.strictObject({
  kind: z.literal('import'),
  path: z.string(),
  /** The file is a copy of what a page sent, and goes when the job does. */
  isCopy: z.boolean(),
  ...importFields,
})
export type ImportTask = z.infer<typeof importTaskSchema>

export const jobTaskSchema = z.discriminatedUnion('kind', [readTaskSchema, downloadTaskSchema, importTaskSchema])
export type JobTask = z.infer<typeof jobTaskSchema>

/** A document is opened when its turn comes. */
const documentSchema = z.strictObject({ name: z.string().max(1000), bytes: z.instanceof(Uint8Array) })
const jobSourceSchema = z.union([sourceSchema, documentSchema])
export type JobSource = z.infer<typeof jobSourceSchema>

const newJobSchema = z
  .strictObject({
    title: z.string().min(1).max(1000),
    task: z.discriminatedUnion('kind', [readTaskSchema, downloadTaskSchema]),
    sources: z.array(jobSourceSchema).default([]),
  })
  .refine(
    ({ task, sources }) => (task.kind === 'read') === sources.length > 0,
    'what is read has sources, nothing else',
  )
export type NewJob = z.infer<typeof newJobSchema>

export const jobErrorSchema = z.strictObject({
  code: z.enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]),
  message: z.string(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
})

/** What a job keeps of a cartridge it has made; the cartridge itself is looked up again when somebody asks. */
export const madeSchema = createdSchema.omit({ cartridge: true }).extend({ packetId: digestSchema })
export type Made = z.infer<typeof madeSchema>

const jobViewSchema = z.strictObject({
  id: count,
  title: z.string(),
  task: jobTaskSchema,
  state: jobStateSchema,
  /** The last report of one that runs. */
  progress: progressSchema.nullable(),
  /** Why it failed or was interrupted. */
  error: jobErrorSchema.nullable(),
  /** The cartridges it has made. */
  packetIds: z.array(digestSchema),
})
export type JobView = z.infer<typeof jobViewSchema>

/** Which jobs are meant: those of `ids`, or all in one of `states`. Those that it cannot be done to are left alone. */
const selection = z.union([
  z.strictObject({ ids: z.array(count) }),
  z.strictObject({ states: z.array(jobStateSchema) }),
])
export type JobSelection = z.infer<typeof selection>

const changed = z.strictObject({ jobs: count })

export const jobMethods = {
  /** Puts jobs at the end of the line, all of them or none; they are durable when it answers. */
  'jobs.add': method(
    z.strictObject({ jobs: z.array(newJobSchema).min(1).max(1000) }),
    z.strictObject({ ids: z.array(count) }),
  ),
  /** Puts a `.cartridge` file into the line: where it lies, or, uploaded, once all of it has arrived. */
  'jobs.import': streaming(
    z.strictObject({ title: z.string().min(1).max(1000), path: fileFields.path, ...importFields }),
    z.strictObject({ ids: z.array(count) }),
    { takes: fileBytes },
  ),
  /** Everything at a glance: small, whatever the number of jobs. */
  'jobs.status': method(
    z.strictObject({}),
    z.strictObject({
      paused: z.boolean(),
      /** Another program has this library open and works through the line; here it can only be looked at. */
      elsewhere: z.boolean(),
      counts: z.strictObject({
        ...{ waiting: count, running: count, interrupted: count, failed: count, cancelled: count, done: count },
      }),
      /** Of all that was added since the line was last empty: how many there are, how many have ended, and the share that is done. */
      round: z.strictObject({ total: count, ended: count, share: z.number() }),
      /** From measured speeds; null where something waits that is like nothing measured here. */
      etaSeconds: z.number().nullable(),
      running: z.array(jobViewSchema),
    }),
  ),
  /** What runs, then what needs a person, what waits, and what has ended, the newest first. */
  'jobs.list': method(
    z.strictObject({
      states: z.array(jobStateSchema).optional(),
      kind: z.enum(['read', 'download', 'import']).optional(),
      offset: count.default(0),
      limit: z.number().int().min(1).max(200).default(100),
    }),
    z.strictObject({
      total: count,
      /** What was checked of the cartridges that all of them have made: how many sentences, and how many were recalled. */
      checks: z.strictObject({ cartridges: count, recalled: count, checked: count }),
      jobs: z.array(jobViewSchema),
    }),
  ),
  /** A job, with what it made; cartridges that were deleted since are left out. */
  'jobs.get': method(
    z.strictObject({ id: count }),
    z.strictObject({ job: jobViewSchema, made: z.array(createdSchema) }),
  ),
  /** Holds what is being read where it is, and begins nothing new; or goes on. Kept over restarts. */
  'jobs.pause': method(z.strictObject({ paused: z.boolean() }), z.strictObject({})),
  /** Stops what runs and takes what waits out of the line. Nothing half-made is kept, what was made stays. */
  'jobs.cancel': method(selection, changed),
  /** Puts what failed, was interrupted or cancelled into the line again; `split`: cut into cartridges that fit. */
  'jobs.retry': method(z.intersection(selection, z.object({ split: z.boolean().default(false) })), changed),
  /** Forgets what has ended, and what it was to read. */
  'jobs.dismiss': method(selection, changed),
} as const
