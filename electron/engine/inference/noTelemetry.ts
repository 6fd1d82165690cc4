/**
 * ONNX Runtime's official builds send events to their maker unless told not to before the first session: from 1.29 on Linux
 * and macOS too, with a device id kept in the user's cache folder. Nothing of a user's work may leave the machine unasked.
 */
process.env.ORT_DISABLE_TELEMETRY = '1'
