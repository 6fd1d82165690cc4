const NAMES: Readonly<Record<string, string>> = {
  cpu: 'CPU',
  webgpu: 'WebGPU',
  cuda: 'CUDA',
  dml: 'DirectML',
  coreml: 'Core ML',
}

/** What people call a device that models run on. */
export function deviceName(id: string): string {
  return NAMES[id] ?? id
}
