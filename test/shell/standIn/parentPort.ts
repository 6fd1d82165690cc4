/** Gives a forked Node process the `process.parentPort` of Electron's utility process; see electron.ts. */
import { strict } from './strict.ts'

const parentPort = strict('parentPort', {
  postMessage: (message: unknown) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => {})
  },
  on: (event: string, listener: (event: { data: unknown }) => void) => {
    if (event !== 'message') throw new Error(`The stand-in for electron never emits parentPort '${event}'`)
    process.on('message', data => listener({ data }))
  },
})
Object.assign(process, { parentPort })
// A utility process dies with the app that started it.
process.on('disconnect', () => process.exit(0))
