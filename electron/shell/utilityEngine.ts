/** The engine in Electron's utility process: the same child as under Node's fork, behind the same interface. */
import type { UtilityProcess } from 'electron'
import { utilityProcess } from 'electron'
import { ENGINE_V8_FLAGS, type EngineChild, engineEnv } from '#hosts/engineProcess/engineChild.ts'
import type { FromEngine } from '#hosts/engineProcess/messages.ts'

export function startUtilityEngine(entry: string): EngineChild {
  const child: UtilityProcess = utilityProcess.fork(entry, [], {
    ...{ serviceName: 'State Pack engine', stdio: 'inherit', env: engineEnv() },
    // Switches of Chromium's, one of which holds those of V8.
    execArgv: [`--js-flags=${ENGINE_V8_FLAGS.join(' ')}`],
  })
  return {
    get pid() {
      return child.pid
    },
    send: message => child.postMessage(message),
    onMessage: listener => {
      child.on('message', (message: FromEngine) => listener(message))
    },
    onExit: listener => {
      child.once('exit', code => listener(`exit code ${code}`))
    },
    kill: () => {
      child.kill()
    },
  }
}
