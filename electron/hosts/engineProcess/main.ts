/** Entry of the engine process. */
import { createEngine } from '#engine/createEngine.ts'
import { openParentPort } from './parentPort.ts'
import { serveEngine } from './serveEngine.ts'

serveEngine(openParentPort(), createEngine)
