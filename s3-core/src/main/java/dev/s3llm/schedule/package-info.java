/**
 * The order of the waiting requests: {@link dev.s3llm.schedule.SchedulingPolicy}, which
 * applications implement, the policies of this library ({@link
 * dev.s3llm.schedule.SchedulingPolicies}), and the view of a sequence that policies, planners and
 * recovery read. Depends on {@code predict}, and internally on {@code support}.
 */
@NullMarked
package dev.s3llm.schedule;

import org.jspecify.annotations.NullMarked;
