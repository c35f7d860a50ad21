/**
 * In which order waiting requests are considered: {@link dev.s3llm.schedule.SchedulingPolicy},
 * which applications implement, the policies of this library ({@link
 * dev.s3llm.schedule.SchedulingPolicies}), and the view of a sequence that policies, planners and
 * recovery read. Depends on {@code predict}.
 */
@NullMarked
package dev.s3llm.schedule;

import org.jspecify.annotations.NullMarked;
