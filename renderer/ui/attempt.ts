import { toastError } from './toasts.tsx'

/** Whether `work` was done; a failure is shown, callers need not catch. */
export async function attempt(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    toastError(error)
    return false
  }
}
