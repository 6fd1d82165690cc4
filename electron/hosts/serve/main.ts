/** Serves the Studio to a browser window until it is told to end. One JSON line on stdout says where. */
import { toErrorValue } from '#shared/domain/error.ts'
import { startStudio } from './startStudio.ts'

const wanted = process.env.STATEPACK_PORT ?? '0'
const port = Number(wanted)

try {
  if (!/^\d{1,5}$/.test(wanted) || port > 65535) throw new Error(`STATEPACK_PORT is not a port: ${wanted}`)
  const studio = await startStudio({ port })
  let ending = false
  const end = () => {
    if (ending) return
    ending = true
    studio.close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  process.on('SIGINT', end)
  process.on('SIGTERM', end)
  process.on('SIGHUP', end)
  // Started by `npm start`: when that ends, so does this.
  process.on('disconnect', end)
  process.stdout.write(`${JSON.stringify({ address: studio.server.address })}\n`)
} catch (thrown) {
  const busy = (thrown as { code?: unknown }).code === 'EADDRINUSE'
  const message = busy ? `Port ${port} is taken; set STATEPACK_PORT to another one.` : toErrorValue(thrown).message
  process.stderr.write(`The Studio could not be started: ${message}\n`)
  process.exitCode = 1
}
