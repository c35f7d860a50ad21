/**
 * What the engine tells about itself: events with the reason of each decision, snapshots, names of
 * metrics. Depends on the value types of the SPIs, never on the engine.
 */
@NullMarked
package dev.s3llm.observe;

import org.jspecify.annotations.NullMarked;
