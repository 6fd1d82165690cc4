import type { Output } from '#shared/rpc/client.ts'

/** Everything about one cartridge that the Inspect screen draws, except bulk tensors. */
export type Inspection = Output<'packets.inspect'>
export type InspectedComponent = Inspection['components'][number]
export type TensorName = 'key' | 'value' | 'ssm' | 'conv'
