import { useState } from 'react'
import type { AskOptions } from './Composer.tsx'

const DEFAULTS: AskOptions = { maxNewTokens: 64, temperature: 0, seed: 1, compare: false, followUp: null, trace: false }

/** Of every conversation, as long as the window is open. */
let remembered = DEFAULTS

/** How questions are answered, and changing a part of it. */
export function useAskOptions(): [AskOptions, (part: Partial<AskOptions>) => void] {
  const [options, setOptions] = useState(remembered)
  const change = (part: Partial<AskOptions>) => {
    remembered = { ...options, ...part }
    setOptions(remembered)
  }
  return [options, change]
}
