package dev.s3llm.model.speech;

import dev.s3llm.execute.SequenceStep;

/**
 * A recording to encode.
 *
 * @param sequence the sequence, whose first blocks hold the frames
 * @param input the features
 */
public record Recording(SequenceStep sequence, SpeechInput input) {}
