/**
 * Files that are read by memory mapping, and packed numbers. Not exported. May depend on the
 * package above alone.
 */
@NullMarked
package dev.s3llm.model.io;

import org.jspecify.annotations.NullMarked;
