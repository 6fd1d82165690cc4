import { type ErrorCode, StatePackError, toStatePackError } from '#shared/domain/error.ts'

export interface ErrorText {
  readonly code: ErrorCode
  /** What happened. */
  readonly what: string
  /** What it means for the person, and what to do. */
  readonly meaning: string
}

const MEANING = {
  E_USAGE: 'This looks like a mistake in the Studio. Nothing was changed.',
  E_BAD_INPUT: 'Check what was entered. Nothing was changed.',
  E_BAD_JSON: 'The file or reply is not valid JSON. Nothing was changed.',
  E_BAD_DIGEST: 'An address of some content is malformed. Nothing was changed.',
  E_EMPTY_TEXT: 'There is nothing to read. Add some text first.',
  E_NOT_TEXT: 'Only text can be read into a cartridge. Convert the file, or paste its text.',
  E_TOO_LARGE: 'It is over the limit. Split it, or take a part of it.',
  E_CONTEXT_LENGTH: 'The model cannot hold this much. Split the text, keep its beginning, or use a recurrent model.',
  E_NOT_FOUND: 'It is no longer there; another window may have deleted it.',
  E_AMBIGUOUS: 'Several cartridges answer to that name. Pick one from the library.',
  E_CONFLICT: 'Something changed in the meantime. Look again, then retry.',
  E_CORRUPT: 'Its bytes differ from what was written. It was not used. Import a good copy or make it again.',
  E_MISSING_BLOB: 'A part of the cartridge is missing. Import it again, or make it again.',
  E_BAD_FORMAT: 'The file is not a cartridge, or was cut off. Nothing was written.',
  E_UNSUPPORTED_VERSION: 'It was made by a newer version. Update the Studio to open it.',
  E_COMPONENT_MISMATCH:
    'The state belongs to a different model than the installed one. Running it would give nonsense, so it was not run.',
  E_NOT_RECOMPUTED: 'Reading the text again gave a different state. Do not trust this cartridge.',
  E_BAD_SIGNATURE: 'Nothing vouches for its origin. Do not rely on where it claims to come from.',
  E_RECEIPT_LOG: 'The receipt chain has a break. Open Receipts to see where.',
  E_RESTRICTED: 'It came from elsewhere and is not trusted yet. Look at it, then trust it or check it by recomputing.',
  E_NOT_SUPPORTED: 'This kind of cartridge or model cannot do that.',
  E_UNKNOWN_MODEL: 'The model is not installed. Add it under Models.',
  E_MODEL_CONFIG: 'The model folder has a configuration that cannot be used.',
  E_MODEL_WEIGHTS: 'The weights of the model are damaged or incomplete. Download the model again.',
  E_MODEL_OFFLINE: 'The folder of the model cannot be reached. Connect the disk, or remove the model from the list.',
  E_TOKENIZER: 'The tokenizer of the model cannot be used.',
  E_DEVICE: 'The device is not available. Choose another one in Settings.',
  E_INFERENCE: 'The run failed inside the model. Nothing was stored. Try again, or use the CPU in Settings.',
  E_STORE_UNREADABLE: 'The folder of cartridges cannot be read. Check that its disk is there.',
  E_STORE_VERSION: 'The store was written by a newer version. Update the Studio.',
  E_STORE_BUSY: 'Another process is using the store. Close it, then retry.',
  E_DISK_FULL: 'The disk is full. Nothing half-written was kept. Free some space, then retry.',
  E_READ_ONLY: 'It can be looked at and not changed. Open a folder that can be written to.',
  E_IO: 'The disk reported an error. Nothing half-written was kept.',
  E_PERMISSION: 'You may not do that there. Change the permissions, or choose another place.',
  E_NETWORK: 'The network did not answer. Everything else keeps working offline.',
  E_UNAUTHORIZED: 'This window is not signed in to its engine. Open the Studio again from where it was started.',
  E_FORBIDDEN: 'This page may not call the engine. Open the Studio again from where it was started.',
  E_BUSY: 'The engine has too much to do. Wait for a task to finish, then retry.',
  E_ENGINE_DOWN: 'The engine stopped. It restarts on its own; what was stored is safe.',
  E_SPENDING_CAP: 'The spending cap was reached, so it stopped there.',
  E_CANCELLED: 'It was stopped. Nothing half-done was kept.',
  E_INTERNAL: 'An unexpected error. What was stored is safe; try again.',
} as const satisfies Record<ErrorCode, string>

/** Turns anything thrown into what happened and what it means. */
export function describeError(thrown: unknown): ErrorText {
  const error = thrown instanceof StatePackError ? thrown : toStatePackError(thrown)
  return { code: error.code, what: error.message, meaning: MEANING[error.code] }
}
