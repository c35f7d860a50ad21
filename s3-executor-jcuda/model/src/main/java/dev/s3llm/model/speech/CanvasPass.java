package dev.s3llm.model.speech;

import dev.s3llm.execute.SequenceStep;

/**
 * One sequence's part in a pass of the decoder.
 *
 * <p>Row {@code i} has the token {@code ids[i]} at canvas position {@code first + i}, whose keys
 * and values lie in KV slot {@code sequence.input().slots() + first + i}. In masked mode ({@code
 * causal} is false) {@code first} is 0, and each row attends to all rows. In causal mode a row
 * attends to the canvas positions from 0 to its own; those before {@code first} are in the KV
 * cache.
 *
 * @param sequence the sequence, with its block table
 * @param ids the tokens of the rows, not copied
 * @param first canvas position of the first row
 * @param causal whether the mode is the causal one
 */
@SuppressWarnings("ArrayRecordComponent") // shared, never compared
public record CanvasPass(SequenceStep sequence, int[] ids, int first, boolean causal) {}
