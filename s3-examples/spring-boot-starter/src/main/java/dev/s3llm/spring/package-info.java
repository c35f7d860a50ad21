/**
 * Spring Boot starter of the library: types that applications use beside the auto-configured beans.
 *
 * <p>Depends on {@code s3-core} and the text layer only. {@code metrics}, {@code tracing} and
 * {@code health} depend on this package; {@code autoconfigure} depends on all of them; {@code
 * internal} is no API.
 */
@NullMarked
package dev.s3llm.spring;

import org.jspecify.annotations.NullMarked;
