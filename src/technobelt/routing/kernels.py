"""Loops of the contraction hierarchy, compiled by numba: flat arrays in, flat arrays out.

Nodes are numbered by rank: the order in which they are eliminated. Upper neighbours of a node have
higher ranks. Weights are packed costs (see `technobelt.routing.graph`), infinite where closed.
Importing this module imports numba; nothing but the hierarchy does.
"""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = [
    "LANES",
    "climb",
    "climb_one",
    "closure",
    "customize",
    "dissect",
    "eliminate",
    "elimination_tree",
    "kept",
    "least_of_slots",
    "nearest",
    "part",
    "perfect",
    "postorder",
    "settle",
    "settle_nodes",
    "settle_within",
    "slots_of",
    "subtree_sizes",
    "sweep",
    "sweep_within",
]

#: Trees grown abreast: as many as make the inner loop one or two vector instructions.
LANES = 16
_LANES = LANES
#: Of one tree with a limit, subtrees of at most so many nodes are settled whole, or not at all.
_SMALL = 2048
_INF = np.inf


def _compiled(function):
    """Compile a loop when it is first called, and keep it on disk if there is a place to."""
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:  # neither the package's folder nor the user's may be written
        return njit(nogil=True)(function)


# --- the order -----------------------------------------------------------------------------------


@_compiled
def elimination_tree(start, neighbour):
    """Return each node's parent, -1 for roots (Liu 1986)."""
    n = len(start) - 1
    parent = np.full(n, -1, np.int32)
    ancestor = np.full(n, -1, np.int32)
    for v in range(n):
        for k in range(start[v], start[v + 1]):
            root = neighbour[k]
            if root >= v:
                continue
            while ancestor[root] != -1 and ancestor[root] != v:
                above = ancestor[root]
                ancestor[root] = v
                root = above
            if ancestor[root] == -1:
                ancestor[root] = v
                parent[root] = v
    return parent


@_compiled
def postorder(parent):
    """Return the nodes so that each subtree stands together and ends with its root."""
    n = len(parent)
    first = np.full(n + 1, -1, np.int32)
    after = np.full(n, -1, np.int32)
    for v in range(n - 1, -1, -1):
        above = parent[v] if parent[v] >= 0 else n
        after[v] = first[above]
        first[above] = v
    nodes = np.empty(n, np.int32)
    stack = np.empty(n + 1, np.int32)
    done = 0
    root = first[n]
    while root != -1:
        stack[0] = root
        height = 1
        while height:
            v = stack[height - 1]
            child = first[v]
            if child == -1:
                nodes[done] = v
                done += 1
                height -= 1
            else:
                first[v] = after[child]
                stack[height] = child
                height += 1
        root = after[root]
    return nodes


@_compiled
def subtree_sizes(parent):
    """Return how many nodes each subtree has, where parents come after their children."""
    size = np.ones(len(parent), np.int32)
    for v in range(len(parent)):
        if parent[v] >= 0:
            size[parent[v]] += size[v]
    return size


@_compiled
def dissect(start, neighbour, smallest):
    """Return a nested dissection order by level sets (George 1973).

    Of each part the middle level of a breadth-first search from its edge comes last; parts of at
    most `smallest` nodes are taken as they are.
    """
    n = len(start) - 1
    order = np.arange(n).astype(np.int32)
    part = np.zeros(n, np.int32)
    level = np.full(n, -1, np.int32)
    queue = np.empty(n, np.int32)
    stack = np.empty((n + 2, 2), np.int32)
    stack[0, 0], stack[0, 1] = 0, n
    height, parts = 1, 0
    while height:
        height -= 1
        low, high = stack[height, 0], stack[height, 1]
        if high - low <= smallest:
            continue
        parts += 1
        for i in range(low, high):
            part[order[i]] = parts
        root = order[low]
        for _ in range(2):  # from anywhere to an edge, from there to the other
            for i in range(low, high):
                level[order[i]] = -1
            reached = _breadth_first(root, start, neighbour, part, parts, level, queue)
            root = queue[reached - 1]
        # nodes of this component before the others, and of these the middle level last
        middle = level[queue[reached // 2]]
        below, at, beyond, apart = 0, 0, 0, 0
        for i in range(low, high):
            if level[order[i]] < 0:
                apart += 1
        for i in range(reached):
            below += level[queue[i]] < middle
            at += level[queue[i]] == middle
            beyond += level[queue[i]] > middle
        others = np.empty(apart, np.int32)
        k = 0
        for i in range(low, high):
            if level[order[i]] < 0:
                others[k] = order[i]
                k += 1
        for i in range(below):
            order[low + i] = queue[i]
        for i in range(beyond):
            order[low + below + i] = queue[below + at + i]
        for i in range(apart):
            order[low + below + beyond + i] = others[i]
        for i in range(at):
            order[high - at + i] = queue[below + i]
        ends = np.array([low, low + below, low + below + beyond, high - at])
        for i in range(3):
            if ends[i + 1] > ends[i]:
                stack[height, 0], stack[height, 1] = ends[i], ends[i + 1]
                height += 1
    return order


@_compiled
def _breadth_first(root, start, neighbour, part, mine, level, queue):
    level[root] = 0
    queue[0] = root
    end, here = 1, 0
    while here < end:
        v = queue[here]
        here += 1
        for k in range(start[v], start[v + 1]):
            u = neighbour[k]
            if part[u] == mine and level[u] < 0:
                level[u] = level[v] + 1
                queue[end] = u
                end += 1
    return end


@_compiled
def eliminate(start, neighbour):
    """Return the chordal supergraph: of each node its upper neighbours, sorted."""
    n = len(start) - 1
    begin = np.zeros(n + 1, np.int64)
    upper = np.empty(2 * len(neighbour) + 16, np.int32)
    seen = np.full(n, -1, np.int32)
    child = np.full(n, -1, np.int32)
    sibling = np.full(n, -1, np.int32)
    end = 0
    for v in range(n):
        room = start[v + 1] - start[v]
        c = child[v]
        while c != -1:
            room += begin[c + 1] - begin[c]
            c = sibling[c]
        if end + room > len(upper):
            larger = np.empty(2 * len(upper) + room, np.int32)
            larger[:end] = upper[:end]
            upper = larger
        seen[v] = v
        for k in range(start[v], start[v + 1]):
            u = neighbour[k]
            if u > v and seen[u] != v:
                seen[u] = v
                upper[end] = u
                end += 1
        c = child[v]
        while c != -1:
            for k in range(begin[c], begin[c + 1]):
                u = upper[k]
                if seen[u] != v:
                    seen[u] = v
                    upper[end] = u
                    end += 1
            c = sibling[c]
        begin[v + 1] = end
        if end > begin[v]:
            upper[begin[v] : end].sort()
            above = upper[begin[v]]
            sibling[v] = child[above]
            child[above] = v
    return begin, upper[:end].copy()


@_compiled
def slots_of(begin, upper, low, high):
    """Return where each pair of ranks stands among the arcs of the supergraph; -1: a loop."""
    slot = np.empty(len(low), np.int32)
    for i in range(len(low)):
        left, right = begin[low[i]], begin[low[i] + 1]
        while left < right:
            middle = (left + right) >> 1
            if upper[middle] < high[i]:
                left = middle + 1
            else:
                right = middle
        slot[i] = left if low[i] != high[i] else -1
    return slot


# --- customization -------------------------------------------------------------------------------


@_compiled
def least_of_slots(slot, rises, weight, up, down):
    """Lower the weights of the supergraph to those of the arcs in it, parallel ones to the best."""
    for i in range(len(slot)):
        k = slot[i]
        if k < 0:
            continue
        if rises[i]:
            up[k] = min(up[k], weight[i])
        else:
            down[k] = min(down[k], weight[i])


@_compiled
def customize(begin, upper, up, down):
    """Lower each arc to the best way over lower nodes, by all its lower triangles, bottom-up."""
    for v in range(len(begin) - 1):
        end = begin[v + 1]
        for i in range(begin[v], end):
            k = begin[upper[i]]
            rise, fall = up[i], down[i]
            for j in range(i + 1, end):
                while upper[k] != upper[j]:
                    k += 1
                up[k] = min(up[k], fall + up[j])
                down[k] = min(down[k], down[j] + rise)


@_compiled
def perfect(begin, upper, up, down):
    """Lower each arc to the distance of its ends, by upper and middle triangles, top-down."""
    for v in range(len(begin) - 2, -1, -1):
        end = begin[v + 1]
        for i in range(begin[v], end):
            k = begin[upper[i]]
            for j in range(i + 1, end):
                while upper[k] != upper[j]:
                    k += 1
                up[j] = min(up[j], up[i] + up[k])
                down[j] = min(down[j], down[k] + down[i])
                up[i] = min(up[i], up[j] + down[k])
                down[i] = min(down[i], down[j] + up[k])


@_compiled
def kept(begin, upper, weight, least):
    """Return the arcs that some shortest path needs: whose weight is the distance of its ends."""
    n = len(begin) - 1
    start = np.zeros(n + 1, np.int64)
    count = 0
    for k in range(len(upper)):
        if weight[k] == least[k] and weight[k] < _INF:
            count += 1
    head = np.empty(count, np.int32)
    cost = np.empty(count, weight.dtype)
    count = 0
    for v in range(n):
        for k in range(begin[v], begin[v + 1]):
            if weight[k] == least[k] and weight[k] < _INF:
                head[count] = upper[k]
                cost[count] = weight[k]
                count += 1
        start[v + 1] = count
    return start, head, cost


# --- queries -------------------------------------------------------------------------------------


@_compiled
def _ancestors(node, parent, stamp, mark, found):
    """Put the nodes and all their ancestors into `found`, by rank; return how many."""
    count = 0
    for i in range(len(node)):
        v = node[i]
        while v != -1 and stamp[v] != mark:
            stamp[v] = mark
            found[count] = v
            count += 1
            v = parent[v]
    found[:count].sort()
    return count


@_compiled
def climb(first, node, cost, parent, start, head, weight, row, values, begun, least, stamp, found):
    """Search upward from the seeds of each lane; write what was reached into its column.

    Lane `l` has the seeds ``first[l]`` to ``first[l + 1]``. `row` says in which row of `values` a
    node stands, -1: in none; rows that were written are 1 in `begun`, and infinite in the lanes
    that do not reach them. `least` (n, infinite), `stamp` (n, 0) and `found` (n) are scratch, and
    left as they were.
    """
    for lane in range(len(first) - 1):
        a, b = first[lane], first[lane + 1]
        count = _ancestors(node[a:b], parent, stamp, 1, found)
        for i in range(a, b):
            least[node[i]] = min(least[node[i]], cost[i])
        for i in range(count):
            v = found[i]
            stamp[v] = 0
            here = least[v]
            least[v] = _INF
            at = row[v]
            if at >= 0:
                if begun[at] == 0:
                    begun[at] = 1
                    values[at, :] = _INF
                values[at, lane] = here
            if here == _INF:
                continue
            for k in range(start[v], start[v + 1]):
                u = head[k]
                least[u] = min(least[u], here + weight[k])


@_compiled
def sweep(start, head, weight, values, begun):
    """Settle all nodes of all lanes, from the highest down; rows not begun may hold anything."""
    for v in range(len(start) - 2, -1, -1):
        mine = values[v]
        if begun[v] == 0:
            for lane in range(_LANES):
                mine[lane] = _INF
        for k in range(start[v], start[v + 1]):
            above = values[head[k]]
            cost = weight[k]
            for lane in range(_LANES):
                mine[lane] = min(mine[lane], above[lane] + cost)


@_compiled
def sweep_within(start, head, weight, values, near, begin, upper, size, limit):
    """Settle the nodes within a limit; subtrees that no way within it can enter are passed over.

    All ways into a subtree pass its root or one of the root's upper neighbours. `near` is as
    `begun` of `climb`: 1 at ancestors of seeds, into whose subtrees no way need lead; 2 is set
    where some lane is within the limit.
    """
    # A node is settled as in `sweep`, written out: a call makes both a tenth slower.
    v = len(start) - 2
    while v >= 0:
        mine = values[v]
        if near[v] == 0:
            for lane in range(_LANES):
                mine[lane] = _INF
        for k in range(start[v], start[v + 1]):
            above = values[head[k]]
            cost = weight[k]
            for lane in range(_LANES):
                mine[lane] = min(mine[lane], above[lane] + cost)
        if mine.min() <= limit:
            near[v] = 2
        elif near[v] == 0 and not _any_near(begin, upper, v, near):
            values[v - size[v] + 1 : v, :] = _INF
            v -= size[v]
            continue
        v -= 1


@_compiled
def _any_near(begin, upper, v, near):
    for k in range(begin[v], begin[v + 1]):
        if near[upper[k]] == 2:
            return True
    return False


@_compiled
def nearest(node, cost, source, parent, up, down, begin, upper, size, limit, values, labels, near):
    """Grow one tree from all seeds; of equally near searches the first counts.

    `up` and `down` are (start, head, weight). `values` is infinite, `labels` -1, `near` 0.
    """
    n = len(parent)
    found = np.empty(n, np.int32)
    count = _ancestors(node, parent, near, 1, found)
    for i in range(len(node)):
        v = node[i]
        if cost[i] < values[v] or (cost[i] == values[v] and source[i] < labels[v]):
            values[v], labels[v] = cost[i], source[i]
    start, head, weight = up
    for i in range(count):
        v = found[i]
        here = values[v]
        if here == _INF:
            continue
        for k in range(start[v], start[v + 1]):
            u = head[k]
            there = here + weight[k]
            if there < values[u] or (there == values[u] and labels[v] < labels[u]):
                values[u], labels[u] = there, labels[v]
    start, head, weight = down
    v = n - 1
    while v >= 0:
        here, label = values[v], labels[v]
        for k in range(start[v], start[v + 1]):
            u = head[k]
            there = values[u] + weight[k]
            if there < here or (there == here and there < _INF and labels[u] < label):
                here, label = there, labels[u]
        values[v], labels[v] = here, label
        if here <= limit:
            near[v] = 2
        elif near[v] == 0 and not _any_near(begin, upper, v, near):
            v -= size[v]
            continue
        v -= 1


@_compiled
def climb_one(node, cost, parent, start, head, weight, values, near):
    """Search upward from the seeds of one tree; `values` is infinite, `near` 0."""
    found = np.empty(len(parent), np.int32)
    count = _ancestors(node, parent, near, 1, found)
    for i in range(len(node)):
        values[node[i]] = min(values[node[i]], cost[i])
    for i in range(count):
        here = values[found[i]]
        if here == _INF:
            continue
        for k in range(start[found[i]], start[found[i] + 1]):
            values[head[k]] = min(values[head[k]], here + weight[k])


@_compiled
def settle(tail, head, weight, values):
    """Settle nodes of one tree by the arcs that lead down to them, from the last to the first.

    Arc after arc is written through, so that no branch hangs on how many a node has: guessing that
    wrong, once a node, takes three times as long. Nodes are numbered without a sign, so that nobody
    asks whether a number counts from the end.
    """
    for k in range(len(tail) - 1, -1, -1):
        node = tail[k]
        values[node] = min(values[node], values[head[k]] + weight[k])


@_compiled
def settle_nodes(nodes, start, head, weight, values):
    """Settle some nodes of one tree, given from the highest rank down."""
    for v in nodes:
        for k in range(start[v], start[v + 1]):
            values[v] = min(values[v], values[head[k]] + weight[k])


@_compiled
def settle_within(start, tail, head, weight, begin, upper, size, limit, values, near):
    """Settle the nodes of one tree within a limit, as `sweep_within`, small subtrees as a whole.

    All ways into a subtree pass its root's upper neighbours: of nodes in small ones nobody asks
    whether they are near.
    """
    v = len(size) - 1
    while v >= 0:
        if size[v] <= _SMALL:
            if near[v] != 0 or _any_near(begin, upper, v, near):
                first, end = start[v + 1 - size[v]], start[v + 1]
                settle(tail[first:end], head[first:end], weight[first:end], values)
            v -= size[v]
            continue
        for k in range(start[v], start[v + 1]):
            values[v] = min(values[v], values[head[k]] + weight[k])
        if values[v] <= limit:
            near[v] = 2
        elif near[v] == 0 and not _any_near(begin, upper, v, near):
            v -= size[v]
            continue
        v -= 1


# --- few targets ---------------------------------------------------------------------------------


@_compiled
def closure(node, parent):
    """Return nodes and all their ancestors, by rank: all that a sweep to these nodes needs."""
    stamp = np.zeros(len(parent), np.int32)
    found = np.empty(len(parent), np.int32)
    return found[: _ancestors(node, parent, stamp, 1, found)].copy()


@_compiled
def part(nodes, row, start, head, weight):
    """Return the arcs of some nodes (closed under ancestors) with rows in the place of ranks."""
    begin = np.zeros(len(nodes) + 1, np.int64)
    for i in range(len(nodes)):
        begin[i + 1] = begin[i] + start[nodes[i] + 1] - start[nodes[i]]
    above = np.empty(begin[-1], np.int32)
    cost = np.empty(begin[-1], weight.dtype)
    for i in range(len(nodes)):
        for k in range(start[nodes[i] + 1] - start[nodes[i]]):
            above[begin[i] + k] = row[head[start[nodes[i]] + k]]
            cost[begin[i] + k] = weight[start[nodes[i]] + k]
    return begin, above, cost
