import { StatePackError } from '#shared/domain/error.ts'
import { type DocumentFile, type ExtractedDocument, extractDocument } from './extractDocument.ts'

/** The text of a document that is to be read: one without any is refused with `E_EMPTY_TEXT`. Throws as {@link extractDocument}. */
export async function readDocument(file: DocumentFile, signal?: AbortSignal): Promise<ExtractedDocument> {
  const document = await extractDocument(file, signal)
  if (document.text.trim() !== '') return document
  throw new StatePackError('E_EMPTY_TEXT', `There is no text in ${file.name}.`, { name: file.name })
}
