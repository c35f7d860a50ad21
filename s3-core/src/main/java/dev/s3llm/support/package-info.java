/**
 * Helpers shared by the modules of this project: builder settings, guards around foreign code, time
 * and block arithmetic. Not part of the API. Depends on no other package of this project.
 */
@NullMarked
package dev.s3llm.support;

import org.jspecify.annotations.NullMarked;
