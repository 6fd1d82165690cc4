/** What the window says about each failure, and the button it offers. One table: no view words an error by itself. */
import type { ErrorCode } from '#shared/domain/error.ts'

/** What helps. `again`: trying once more, which only the place that shows the error can, with a button of its own. */
export type ErrorRemedy =
  | { readonly do: 'again' }
  | { readonly do: 'open'; readonly label: string; readonly route: `/${string}` }
  | { readonly do: 'useProcessor'; readonly label: string }
  | { readonly do: 'reloadWindow'; readonly label: string }

export interface ErrorText {
  /** What happened, in one sentence. */
  readonly what: string
  /** What it means for the person, and what to do. */
  readonly meaning: string
  readonly action: ErrorRemedy
  /** Whether the engine's own words are a sentence about the thing at hand (which file, how many tokens) or a machine's. */
  readonly detail: 'shown' | 'folded'
}

const AGAIN = { do: 'again' } as const
const open = <L extends string, R extends `/${string}`>(label: L, route: R) => ({ label, do: 'open', route }) as const

export const ERROR_TEXTS = {
  E_USAGE: {
    what: 'The Studio asked the engine for something it does not know.',
    meaning: 'This is a mistake in the Studio. Nothing was changed. Loading the window again may help.',
    action: { label: 'Load the window again', do: 'reloadWindow' },
    detail: 'folded',
  },
  E_BAD_INPUT: {
    what: 'Something entered does not fit.',
    meaning: 'Nothing was changed. Correct it, then try again.',
    action: AGAIN,
    detail: 'shown',
  },
  E_BAD_JSON: {
    what: 'This is not valid JSON.',
    meaning: 'Nothing was changed. Check the file or the reply, then try again.',
    action: AGAIN,
    detail: 'shown',
  },
  E_BAD_DIGEST: {
    what: 'An address of some content is malformed.',
    meaning: 'Nothing was changed. Choose the cartridge from the library instead.',
    action: open('Open the library', '/library'),
    detail: 'folded',
  },
  E_EMPTY_TEXT: {
    what: 'There is nothing to read.',
    meaning: 'The text is empty, or holds only spaces. Add some first.',
    action: open('Add some text', '/new'),
    detail: 'shown',
  },
  E_NOT_TEXT: {
    what: 'This is not text.',
    meaning: 'Only text can be read into a cartridge. Convert the file, or paste its text.',
    action: open('Paste its text', '/new'),
    detail: 'shown',
  },
  E_TOO_LARGE: {
    what: 'It is over the limit.',
    meaning: 'Nothing was read. Split it, or take a part of it.',
    action: open('Take a part of it', '/new'),
    detail: 'shown',
  },
  E_CONTEXT_LENGTH: {
    what: 'This is more than the model can hold.',
    meaning: 'Shorten it, split the text, or use a recurrent model, which takes any length.',
    action: open('Read less, or split it', '/new'),
    detail: 'shown',
  },
  E_NOT_FOUND: {
    what: 'It is not there.',
    meaning: 'Another window may have deleted it, or it has another name.',
    action: open('Look in the library', '/library'),
    detail: 'shown',
  },
  E_AMBIGUOUS: {
    what: 'Several cartridges answer to that name.',
    meaning: 'Pick the one that is meant.',
    action: open('Pick one', '/library'),
    detail: 'shown',
  },
  E_CONFLICT: {
    what: 'Something changed in the meantime.',
    meaning: 'Nothing was overwritten. Look at it as it is now, then try again.',
    action: AGAIN,
    detail: 'shown',
  },
  E_CORRUPT: {
    what: 'Its bytes differ from what was written.',
    meaning: 'It is damaged, and was not used. Import a good copy, or make it again.',
    action: open('Make it again', '/new'),
    detail: 'folded',
  },
  E_MISSING_BLOB: {
    what: 'A part of the cartridge is missing.',
    meaning: 'It was not used. Import it again, or make it again.',
    action: open('Make it again', '/new'),
    detail: 'folded',
  },
  E_BAD_FORMAT: {
    what: 'The file cannot be read as what it should be.',
    meaning: 'It is another kind of file, or was cut off. Nothing was written. Get another copy of it.',
    action: open('Go to the library', '/library'),
    detail: 'shown',
  },
  E_UNSUPPORTED_VERSION: {
    what: 'It was made by a newer version of the Studio.',
    meaning: 'This version cannot read it. Update the Studio to open it.',
    action: open('See this version', '/settings'),
    detail: 'folded',
  },
  E_COMPONENT_MISMATCH: {
    what: 'The state belongs to another model than the installed one.',
    meaning: 'Running it would give nonsense, so it was not run. Install the model it was made with.',
    action: open('Get the model', '/models'),
    detail: 'shown',
  },
  E_NOT_RECOMPUTED: {
    what: 'Reading the text again gave a different state.',
    meaning: 'Do not trust this cartridge. Make it again from its text.',
    action: open('Make it again', '/new'),
    detail: 'folded',
  },
  E_BAD_SIGNATURE: {
    what: 'The signature does not hold.',
    meaning: 'Nothing vouches for where it came from. Do not rely on where it claims to come from.',
    action: open('Check it in the library', '/library'),
    detail: 'folded',
  },
  E_RECEIPT_LOG: {
    what: 'The chain of receipts has a break.',
    meaning: 'A receipt was changed or removed. Receipts shows where; the ones before it still hold.',
    action: open('See where', '/receipts'),
    detail: 'folded',
  },
  E_RESTRICTED: {
    what: 'It is not trusted yet.',
    meaning: 'It came from elsewhere. Look at it, then trust it or check it by recomputing.',
    action: open('Look at it and trust it', '/library'),
    detail: 'shown',
  },
  E_BLOCKED: {
    what: 'Its publisher is blocked here.',
    meaning: 'Nothing of it was taken in. Unblock the publisher first, in Community under Catalogues.',
    action: open('Open Community', '/community'),
    detail: 'shown',
  },
  E_NOT_SUPPORTED: {
    what: 'This kind of cartridge or model cannot do that.',
    meaning: 'Nothing was changed. Another model may be able to.',
    action: open('Choose another model', '/models'),
    detail: 'shown',
  },
  E_UNKNOWN_MODEL: {
    what: 'The model is not installed.',
    meaning: 'Get it, or use another one.',
    action: open('Get the model', '/models'),
    detail: 'shown',
  },
  E_MODEL_CONFIG: {
    what: 'The model cannot be used as it is.',
    meaning: 'Its folder has a configuration that is incomplete or not supported. Use another model.',
    action: open('Choose another model', '/models'),
    detail: 'shown',
  },
  E_MODEL_WEIGHTS: {
    what: 'The weights of the model are damaged or incomplete.',
    meaning: 'The model was not run. Download it again.',
    action: open('Get it again', '/models'),
    detail: 'folded',
  },
  E_MODEL_OFFLINE: {
    what: 'The folder of the model cannot be reached.',
    meaning: 'Connect its disk, or use another model.',
    action: open('Open Models', '/models'),
    detail: 'shown',
  },
  E_TOKENIZER: {
    what: 'The tokenizer of the model cannot be used.',
    meaning: 'It cuts text into the units that the model reads. Get the model again, or use another one.',
    action: open('Choose another model', '/models'),
    detail: 'folded',
  },
  E_DEVICE: {
    what: 'The chosen device is not available.',
    meaning: 'The processor always is. Settings has the others.',
    action: { label: 'Use the processor', do: 'useProcessor' },
    detail: 'folded',
  },
  E_INFERENCE: {
    what: 'The run failed inside the model.',
    meaning: 'Nothing was stored. Try again; where it fails on another device, use the processor in Settings.',
    action: AGAIN,
    detail: 'folded',
  },
  E_MEMORY: {
    what: 'The memory that is free does not hold this model.',
    meaning: 'It was not loaded. Close other programs, let it run in a smaller precision, or use a smaller model.',
    action: open('Choose another precision', '/models'),
    detail: 'shown',
  },
  E_STORE_UNREADABLE: {
    what: 'The folder of cartridges cannot be read.',
    meaning: 'Check that its disk is there, and that it may be read.',
    action: AGAIN,
    detail: 'folded',
  },
  E_STORE_VERSION: {
    what: 'The folder of cartridges was written by a newer version of the Studio.',
    meaning: 'It was left as it is. Update the Studio to use it.',
    action: open('See this version', '/settings'),
    detail: 'folded',
  },
  E_STORE_BUSY: {
    what: 'Another program is using the folder of cartridges.',
    meaning: 'Close it, then try again.',
    action: AGAIN,
    detail: 'folded',
  },
  E_DISK_FULL: {
    what: 'The disk is full.',
    meaning: 'Nothing half-written was kept. Delete what is not needed, then try again.',
    action: open('Free some space', '/library'),
    detail: 'folded',
  },
  E_READ_ONLY: {
    what: 'It can be looked at and not changed.',
    meaning: 'The folder of cartridges is open for reading only. Open one that can be written to.',
    action: open('See its folder', '/settings'),
    detail: 'folded',
  },
  E_IO: {
    what: 'The disk reported an error.',
    meaning: 'Nothing half-written was kept. Check that the disk is there, then try again.',
    action: AGAIN,
    detail: 'folded',
  },
  E_PERMISSION: {
    what: 'The system does not allow that there.',
    meaning: 'Change the permissions of the place, or choose another one.',
    action: AGAIN,
    detail: 'shown',
  },
  E_NETWORK: {
    what: 'The network did not give what was asked for.',
    meaning: 'Everything else keeps working offline. Check the connection and the address, then try again.',
    action: AGAIN,
    detail: 'shown',
  },
  E_UNAUTHORIZED: {
    what: 'This window is not signed in.',
    meaning: 'The key is missing or was refused. For a provider, enter its key again; else load the window again.',
    action: { label: 'Load the window again', do: 'reloadWindow' },
    detail: 'shown',
  },
  E_FORBIDDEN: {
    what: 'This is not allowed from here.',
    meaning: 'Open the Studio again from where it was started.',
    action: { label: 'Load the window again', do: 'reloadWindow' },
    detail: 'folded',
  },
  E_BUSY: {
    what: 'There is too much to do at the moment.',
    meaning: 'Wait for a task to finish, then try again.',
    action: AGAIN,
    detail: 'shown',
  },
  E_ENGINE_DOWN: {
    what: 'The engine stopped.',
    meaning: 'It restarts on its own; what was stored is safe.',
    action: AGAIN,
    detail: 'folded',
  },
  E_SPENDING_CAP: {
    what: 'The spending cap was reached.',
    meaning: 'It stopped there, so nothing more was spent. Raise the cap to go on.',
    action: open('Open Savings', '/savings?tab=provider'),
    detail: 'shown',
  },
  E_BAD_METHOD: {
    what: 'That address is asked in another way.',
    meaning: 'Nothing was changed. Below stands which ways it takes.',
    action: { label: 'Load the window again', do: 'reloadWindow' },
    detail: 'shown',
  },
  E_CANCELLED: {
    what: 'It was stopped.',
    meaning: 'Nothing half-done was kept.',
    action: AGAIN,
    detail: 'folded',
  },
  E_INTERNAL: {
    what: 'Something unexpected went wrong.',
    meaning: 'What was stored is safe. Try again.',
    action: AGAIN,
    detail: 'folded',
  },
} as const satisfies Record<ErrorCode, ErrorText>
