package dev.s3llm.examples.speech.transcribe;

/**
 * The features of a recording.
 *
 * @param seconds length of the recording
 * @param numbers normalised log-mel features, {@code [frame][band]}; not copied
 * @param frames number of feature frames, at least 1
 * @param bands features of a frame
 */
@SuppressWarnings("ArrayRecordComponent") // shared, never compared
record Features(double seconds, float[] numbers, int frames, int bands) {}
