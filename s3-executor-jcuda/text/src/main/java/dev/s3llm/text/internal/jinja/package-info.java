/**
 * The subset of the Jinja2 language that chat templates use: {@link
 * dev.s3llm.text.internal.jinja.Template} parses a source and renders it. May depend on the JDK and
 * JSpecify alone.
 *
 * <h2>How it works</h2>
 *
 * <p>{@code Lexer} cuts the source into texts and marks, and {@code ExpressionLexer} cuts what is
 * between the marks into tokens; both read each character a bounded number of times and use no
 * regular expressions. {@code TemplateParser} makes statements of the tokens, {@code
 * ExpressionParser} and {@code OperandParser} make expressions. The nodes ({@code Statements},
 * {@code Expressions}) run themselves, with an {@code Env} that holds the variables, the output and
 * the {@code Budget}.
 *
 * <p>A {@code Value} is one of twelve types; nothing is found by reflection, so a template reaches
 * the variables that it was given and nothing else. Lists and mappings never change (transformers
 * renders in a sandbox that forbids it, too), which is why they can be shared. {@code Undefined}
 * stands for what is missing.
 *
 * <p>A {@code Text} knows which of its characters came from outside, through every operation. So
 * {@link dev.s3llm.text.internal.jinja.Rendering} can say which part of a prompt the template
 * wrote, and a tokenizer can refuse to read control tokens out of a message. A variable from
 * outside may hold an {@link dev.s3llm.text.internal.jinja.OwnText}, such as the role of a message,
 * of which some templates make control tokens.
 *
 * <h2>The language</h2>
 *
 * <p>The reference is Jinja2 3.1 as the transformers library sets it up: an immutable sandbox,
 * {@code trim_blocks}, {@code lstrip_blocks}, loop controls, no escaping, {@code tojson} as {@code
 * json.dumps} without ASCII escapes, {@code raise_exception}, {@code strftime_now}, and the tag
 * {@code generation}. Here are
 *
 * <ul>
 *   <li>the tags {@code if}, {@code for} (with {@code if}, {@code else}, {@code recursive} and all
 *       of {@code loop}), {@code break}, {@code continue}, {@code set} (also as a block, with
 *       filters, of several targets and of a namespace's attribute), {@code with}, {@code macro},
 *       {@code call}, {@code filter}, {@code block}, {@code print}, {@code raw}, {@code
 *       generation}, and comments;
 *   <li>all operators with Jinja's precedence, chained comparisons, slices, tuples, lists,
 *       mappings, {@code *} and {@code **} in calls;
 *   <li>all tests, and all filters but {@code filesizeformat}, {@code pprint}, {@code random},
 *       {@code striptags}, {@code urlize}, {@code wordwrap} and {@code xmlattr};
 *   <li>the functions {@code range}, {@code dict}, {@code namespace}, {@code raise_exception} and
 *       {@code strftime_now};
 *   <li>the methods of Python's str, list, tuple and dict that change nothing, but for {@code
 *       encode}, {@code translate} and a few others.
 * </ul>
 *
 * <p>An unknown filter or test in a condition fails only when it is used, and elsewhere when the
 * template is parsed, as in Jinja: templates ask for versions of Jinja in this way.
 *
 * <h2>Where it differs on purpose</h2>
 *
 * <ul>
 *   <li>What is not supported is refused with its name and place; nothing is left out in silence.
 *       That covers {@code include}, {@code import} and {@code extends} (a chat template is one
 *       file), {@code autoescape}, {@code lipsum}, {@code cycler} and {@code joiner}; {@code self}
 *       has no blocks.
 *   <li>A generator, a method or a slice of a range written as text is refused: Python would write
 *       its address in memory.
 *   <li>Filters work at once, not when their result is read. The difference shows only where a
 *       failing result is never read.
 *   <li>Jinja computes constant expressions while it compiles, and some come out differently there:
 *       {@code none[1:]} is undefined, and {@code (-1|default) ** 2} is -1. Here they are computed
 *       like all others.
 *   <li>Integers have 4096 bits at most. Texts that are marked as safe lose the mark in methods and
 *       most filters; nothing is escaped unless a template asks for it.
 * </ul>
 *
 * <h2>Bounds</h2>
 *
 * <p>{@link dev.s3llm.text.internal.jinja.RenderLimits} bounds the output, the size of each text
 * and list, the sum of all that is made, the steps, the time and the nesting. Work is counted
 * before it is done: at each node, each item of a filter, each character that is added to a text. A
 * list that holds another twice, which holds another twice, and so on, costs little to make; to
 * write it or to compare it costs a step for each visit, and a traversal deeper than the limit is
 * refused.
 */
@NullMarked
package dev.s3llm.text.internal.jinja;

import org.jspecify.annotations.NullMarked;
