/** Entry of the engine process. */
import { join } from 'node:path'
import { createEngine } from '#engine/createEngine.ts'
import { logCrashes } from '#engine/logging/logCrashes.ts'
import { openLog } from '#engine/logging/openLog.ts'
import { openParentPort } from './parentPort.ts'
import { serveEngine } from './serveEngine.ts'

serveEngine(openParentPort(), options => {
  const log = openLog(join(options.dataFolder, 'logs'), 'engine')
  logCrashes(log)
  return createEngine({ ...options, log })
})
