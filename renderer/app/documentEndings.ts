/** Endings of files that hold text, for the file dialog and for what is taken out of a folder. Any file can be dropped by itself. */
export const DOCUMENT_ENDINGS: readonly string[] =
  'txt md markdown text pdf html htm xhtml json jsonl csv tsv log xml yaml yml toml ini conf rst tex org adoc srt vtt eml c h cpp hpp cs css go java js jsx kt lua php py r rb rs sh sql swift ts tsx vue'
    .split(' ')
    .map(ending => `.${ending}`)
