/** The device a person asked for on the command line or in the environment; without one, the settings decide. */
import { StatePackError } from '#shared/domain/error.ts'
import { type Settings, settingsSchema } from '#shared/rpc/methods/engine.ts'

/** Throws `E_USAGE` for a device there is not. */
export function chooseDevice(given: string | undefined = process.env.STATEPACK_DEVICE): Settings['device'] | undefined {
  if (given === undefined || given === '') return undefined
  const device = settingsSchema.shape.device.safeParse(given)
  if (device.success) return device.data
  const known = settingsSchema.shape.device.options.join(', ')
  throw new StatePackError('E_USAGE', `There is no device ${JSON.stringify(given)}; use one of: ${known}.`)
}
