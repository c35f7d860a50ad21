/**
 * Small tools that all modules of this project share: settings that can be set once, guards around
 * foreign code, saturating times. Not part of the API. Depends on no other package of ours.
 */
@NullMarked
package dev.s3llm.support;

import org.jspecify.annotations.NullMarked;
