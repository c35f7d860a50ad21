/** Spring Boot's health of an engine. Depends on {@code spring-boot-health}. */
@NullMarked
package dev.s3llm.spring.health;

import org.jspecify.annotations.NullMarked;
