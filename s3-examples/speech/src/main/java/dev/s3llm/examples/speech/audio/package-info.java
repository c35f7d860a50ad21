/**
 * Audio in: WAV files, resampling to the model's rate, and log-mel features equal to the
 * training's.
 *
 * <p>May depend on the JDK and Jackson only.
 *
 * <p>Libraries that were considered, and why none is used: TarsosDSP 2.5 is under GPL 3, which does
 * not go with Apache-2.0; jlibrosa 1.1.8 fixes librosa's conventions (frames that are padded at
 * both ends, Slaney's mel scale), which differ from the training's; JTransforms 3.2 (BSD) brings
 * two more libraries for one transform of 512 points; the transform of Commons Math 3.6.1 allocates
 * an object for each number; {@code javax.sound.sampled} reads WAV files, but needs the desktop
 * module, gives truncated files without a word, and converts rates without a filter of known
 * quality.
 */
@NullMarked
package dev.s3llm.examples.speech.audio;

import org.jspecify.annotations.NullMarked;
