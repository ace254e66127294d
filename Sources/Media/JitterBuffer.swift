import Codecs
import SansIO

/// Puts the packets of a source back into the time and order in which they were made (RFC 3550 §5.1), as far as they come in time.
///
/// ```
///   empty ── packet: its play-out is in `delay` ──► playing ── 5 packet times without one ──► paused
///     ▲                                              ▲   │ each packet time one Playout         │
///     │                                              │   ▼                                    │
///     │                                              └── packet: goes on where the clock is ◄──┘
///     └── another SSRC, a jump of sequence number (believed when the next follows, RFC 3550 §A.1) or of timestamp
/// ```
/// Whoever has it calls ``next(at:)`` until that is nil before it inserts a packet, and whenever it is awake: what is due is the same
/// whoever asks when, because a packet that comes at the moment of its play-out is late. ``PlayoutDelay`` says how long packets wait.
struct JitterBuffer: Hashable, Sendable {
  enum Insertion: Hashable, Sendable {
    case kept, duplicate
    /// It came after its time, or after later ones had been played.
    case late
    /// Its number is far away: the next packet tells what that means.
    case doubted
  }

  private struct Entry: Hashable, Sendable {
    var number: Int
    /// Without wraps.
    var time: Int64
    var packet: BufferedPacket
  }

  private enum State: Hashable, Sendable { case empty, playing, paused }

  private static let maximumDropout = 3_000
  private static let maximumMisorder = 100
  /// Packet times that are filled before nothing more is expected.
  private static let patience = 5
  /// Late packets in a row that say that the delay of the path is another now.
  private static let mostLate = 10
  /// Nanoseconds by which arrival and timestamps may disagree.
  private static let maximumStep: Int64 = 1_000_000_000

  private(set) var counts = JitterBufferCounts()
  private var delay: PlayoutDelay
  private var clockRate: Int
  private var state = State.empty
  private var source: UInt32?
  private var queue: [Entry] = []
  private var doubted: BufferedPacket?
  /// The highest number, the timestamp of its packet, and which of the 128 up to it have come.
  private var (highest, highestTime) = (0, Int64(0))
  private var seen: UInt128 = 0
  /// Of the next packet to be played: its number, its timestamp and when it is due.
  private var (nextNumber, nextTime, nextDue) = (0, Int64(0), Int64(0))
  /// Where the source began: what has a lower number was never missed.
  private var firstNumber = 0
  private var hasPlayed = false
  /// Of the last frame, in timestamp units: what each packet time is taken for.
  private var packetTicks: Int64
  /// Packet times that were filled since the queue ran empty, and the timestamp at which it did.
  private var (unsettled, emptySince) = (0, Int64(0))
  private var isSilent = false
  /// Packet times to be filled in, and to be left out at once and in the next silence.
  private var pending = PlayoutDelay.Change()
  private var lateInRow = 0

  /// - Parameters:
  ///   - packetTime: in milliseconds, until a frame tells.
  ///   - clockRate: ticks a second.
  init?(_ mode: JitterBufferMode, packetTime: Int, clockRate: Int) {
    guard let delay = PlayoutDelay(mode) else { return nil }
    self.delay = delay
    self.clockRate = clockRate
    packetTicks = Int64(max(packetTime, 1) * clockRate / 1_000)
    counts.delay = .nanoseconds(delay.current)
    counts.maximumDelay = counts.delay
  }

  // MARK: - In

  /// Takes a packet that arrived.
  ///
  /// - Parameter clockRate: of its payload type, in ticks a second.
  mutating func insert(_ packet: BufferedPacket, clockRate: Int) -> Insertion {
    defer { (counts.delay, counts.maximumDelay) = (.nanoseconds(delay.current), .nanoseconds(delay.highest)) }
    guard source == packet.ssrc else {
      if source != nil { counts.sourceChanges += 1 }
      begin(packet, clockRate)
      return .kept
    }
    let step = Int(Int16(bitPattern: packet.sequence &- UInt16(truncatingIfNeeded: highest)))
    guard step <= Self.maximumDropout, step >= -Self.maximumMisorder else { return doubt(packet, clockRate) }
    if packet.isAudio, clockRate != self.clockRate {
      counts.clockJumps += 1
      begin(packet, clockRate)
      return .kept
    }
    if isKnown(step) {
      counts.duplicates += 1
      return .duplicate
    }
    let time = highestTime + Int64(Int32(bitPattern: packet.timestamp &- UInt32(truncatingIfNeeded: highestTime)))
    let entry = Entry(number: highest + step, time: time, packet: packet)
    return packet.isAudio ? insertAudio(entry, step) : insertOther(entry, step)
  }

  private mutating func begin(_ packet: BufferedPacket, _ clockRate: Int) {
    if packet.isAudio, clockRate != self.clockRate {
      packetTicks = packetTicks * Int64(clockRate) / Int64(max(self.clockRate, 1))
      self.clockRate = clockRate
    }
    if packet.ticks > 0 { packetTicks = Int64(packet.ticks) }
    source = packet.ssrc
    // Numbers and timestamps without wraps grow from here and do not fall below zero.
    highest = 65_536 + Int(packet.sequence)
    highestTime = 1 << 32 + Int64(packet.timestamp)
    seen = 1
    queue.removeAll(keepingCapacity: true)
    queue.append(Entry(number: highest, time: highestTime, packet: packet))
    (firstNumber, nextNumber, nextTime, nextDue) = (highest, highest, highestTime, packet.arrival.nanoseconds + delay.current)
    (state, hasPlayed, isSilent, unsettled, lateInRow, doubted) = (.playing, false, false, 0, 0, nil)
    pending = PlayoutDelay.Change()
    delay.begin(at: packet.arrival.nanoseconds)
  }

  private mutating func doubt(_ packet: BufferedPacket, _ clockRate: Int) -> Insertion {
    guard let first = doubted, packet.sequence == first.sequence &+ 1 else {
      doubted = packet
      return .doubted
    }
    counts.sequenceJumps += 1
    begin(first, clockRate)
    return insert(packet, clockRate: clockRate)
  }

  private func isKnown(_ step: Int) -> Bool { step <= 0 && seen & (UInt128(1) << UInt128(-step)) != 0 }

  private mutating func note(_ entry: Entry, _ step: Int) {
    if step > 0 {
      seen = step < 128 ? seen << UInt128(step) | 1 : 1
      (highest, highestTime) = (entry.number, entry.time)
    } else {
      seen |= UInt128(1) << UInt128(-step)
    }
  }

  private mutating func insertOther(_ entry: Entry, _ step: Int) -> Insertion {
    // The timestamp of an event is of its beginning: that of the audio goes on.
    note(Entry(number: entry.number, time: highestTime, packet: entry.packet), step)
    if entry.number < nextNumber {
      unlose(entry)
    } else if entry.number == nextNumber, queue.isEmpty {
      // Nothing else was to be played meanwhile.
      counts.silent += unsettled
      (nextNumber, isSilent, unsettled) = (entry.number + 1, true, 0)
    } else {
      put(entry)
    }
    return .kept
  }

  private mutating func unlose(_ entry: Entry) { if entry.number > firstNumber { counts.lost -= 1 } }

  private mutating func insertAudio(_ entry: Entry, _ step: Int) -> Insertion {
    let now = entry.packet.arrival.nanoseconds
    var lead = lead(of: entry.time, at: now)
    if state == .paused, entry.number >= nextNumber {
      guard resume(entry, &lead, at: now) else {
        begin(entry.packet, clockRate)
        return .kept
      }
    } else if abs(lead - delay.current) > Self.maximumStep + delay.bound {
      counts.clockJumps += 1
      begin(entry.packet, clockRate)
      return .kept
    }
    note(entry, step)
    if step > 0 { adapt(lead, at: now) }
    if entry.number < nextNumber, !hasPlayed, lead > 0, nextNumber - entry.number < Self.patience { rewind(to: entry, lead, at: now) }
    guard lead > 0, entry.number >= nextNumber else { return late(entry, lead, at: now) }
    lateInRow = 0
    if step < 0 { counts.reordered += 1 }
    settle(entry)
    put(entry)
    bound(lead)
    return .kept
  }

  /// Sorted by number; nearly all are the last.
  private mutating func put(_ entry: Entry) {
    var place = queue.count
    while place > 0, queue[place - 1].number > entry.number { place -= 1 }
    queue.insert(entry, at: place)
  }

  /// How long until a timestamp is played, in nanoseconds.
  private func lead(of time: Int64, at now: Int64) -> Int64 {
    nextDue + nanoseconds(time - nextTime) + Int64(pending.stretch - pending.skip) * packet - now
  }

  private func nanoseconds(_ ticks: Int64) -> Int64 { ticks * 1_000_000_000 / Int64(max(clockRate, 1)) }
  private var packet: Int64 { max(nanoseconds(packetTicks), 1) }
  private var milliseconds: Int { Int(packet / 1_000_000) }

  /// A packet comes after a pause, and the clock goes on, or begins anew where it says otherwise.
  ///
  /// - Returns: false when the packet begins the source anew.
  private mutating func resume(_ entry: Entry, _ lead: inout Int64, at now: Int64) -> Bool {
    if abs(lead - delay.current) > Self.maximumStep {
      counts.clockJumps += 1
      return false
    }
    while let front = queue.first, !front.packet.isAudio, front.number < entry.number { pop(front) }
    settle(entry)
    counts.lost += max(entry.number - nextNumber, 0)
    state = .playing
    if lead <= 0 || lead > delay.current + packet {
      lead = delay.current
      delay.begin(at: now)
    }
    (nextNumber, nextTime, nextDue) = (max(entry.number, nextNumber), entry.time, now + lead)
    pending = PlayoutDelay.Change()
    return true
  }

  /// A packet that the first one had overtaken is in time: the source begins with it.
  private mutating func rewind(to entry: Entry, _ lead: Int64, at now: Int64) {
    (firstNumber, nextNumber, nextTime, nextDue) = (entry.number, entry.number, entry.time, now + lead)
  }

  private mutating func adapt(_ lead: Int64, at now: Int64) {
    // What is too much to hold is left out at once.
    guard let change = delay.observe(lead: min(lead, delay.bound), packet: packet, at: now) else { return }
    pending.stretch += change.stretch
    pending.skip += change.skip
    pending.cut = change.cut
  }

  /// More than the buffer may hold waits in it: what is too much is left out.
  private mutating func bound(_ lead: Int64) {
    guard lead > delay.bound else { return }
    let packets = Int((lead - delay.bound + packet - 1) / packet)
    pending.skip += packets
    delay.cut(packets, packet: packet)
  }

  private mutating func late(_ entry: Entry, _ lead: Int64, at now: Int64) -> Insertion {
    counts.late += 1
    lateInRow += 1
    if lateInRow >= Self.mostLate {
      counts.clockJumps += 1
      begin(entry.packet, clockRate)
      return .kept
    }
    let packets = lead <= 0 ? delay.grow(lateness: -lead, packet: packet) : 0
    if entry.number >= nextNumber { settle(entry) }
    let due = lead + Int64(packets) * packet
    if due > 0, entry.number >= nextNumber, nextTime - entry.time < Int64(packets) * packetTicks + packetTicks / 2 {
      // Nothing after it was played: what was filled in has made the delay longer, and it is next.
      (nextTime, nextDue, pending) = (entry.time, now + due, PlayoutDelay.Change())
      put(entry)
      return .kept
    }
    pending.stretch += packets
    counts.discarded += 1
    if entry.number < nextNumber {
      unlose(entry)
    } else {
      counts.lost += entry.number - nextNumber
      nextNumber = entry.number + 1
    }
    return .late
  }

  /// Packets tell what the packet times were at which the queue was empty: of silence, of an underrun, of lost ones.
  private mutating func settle(_ entry: Entry) {
    guard unsettled > 0 else { return }
    defer { unsettled = 0 }
    let missing = entry.number - nextNumber
    if missing > 0 {
      let lost = min(missing, unsettled)
      counts.lost += lost
      nextNumber += lost
      counts.concealed += unsettled
      return
    }
    let ahead = max(entry.time - emptySince, 0)
    let silent = min(Int((ahead + packetTicks / 2) / max(packetTicks, 1)), unsettled)
    counts.silent += silent
    counts.underruns += unsettled - silent
    counts.concealed += unsettled - silent
  }

  // MARK: - Out

  /// What is due by now, and when it was; nil when nothing more is.
  mutating func next(at now: Instant) -> (playout: Playout, due: Instant)? {
    while state == .playing, nextDue <= now.nanoseconds {
      if pending.stretch > 0 { return stretch() }
      guard let front = queue.first else { return isEmptyNext() }
      guard front.packet.isAudio else {
        pop(front)
        isSilent = true
        continue
      }
      let ahead = front.time - nextTime
      guard ahead < max(packetTicks / 2, 1) else {
        if leaveOut(front) { continue }
        return gap(front, ahead)
      }
      guard nextDue + nanoseconds(max(ahead, 0)) <= now.nanoseconds else { return nil }
      return play(front, max(ahead, 0))
    }
    return nil
  }

  private mutating func pop(_ front: Entry) {
    queue.removeFirst()
    counts.lost += max(front.number - nextNumber, 0)
    nextNumber = max(nextNumber, front.number + 1)
  }

  private mutating func play(_ front: Entry, _ ahead: Int64) -> (playout: Playout, due: Instant) {
    let due = nextDue + nanoseconds(ahead)
    pop(front)
    if front.packet.ticks > 0 { packetTicks = Int64(front.packet.ticks) }
    nextTime = front.time + packetTicks
    if pending.skip > 0 {
      pending.skip -= 1
      counts.discarded += 1
      return (.skipped(front.packet), Instant(nanoseconds: due))
    }
    nextDue = due + packet
    (hasPlayed, isSilent) = (true, false)
    counts.played += 1
    return (.frame(front.packet), Instant(nanoseconds: due))
  }

  private mutating func stretch() -> (playout: Playout, due: Instant) {
    pending.stretch -= 1
    counts.concealed += 1
    defer { nextDue += packet }
    return (.stretched(milliseconds: milliseconds), Instant(nanoseconds: nextDue))
  }

  /// The next packet is there, and is not due for a packet time or more: those before it are lost, or nothing was sent.
  private mutating func gap(_ front: Entry, _ ahead: Int64) -> (playout: Playout, due: Instant) {
    let due = Instant(nanoseconds: nextDue)
    let missing = front.number - nextNumber
    guard missing > 0 else { return silence(ahead, due) }
    nextNumber += 1
    counts.lost += 1
    counts.concealed += 1
    nextTime += packetTicks
    nextDue += packet
    let isNext = missing == 1 && ahead < packetTicks * 3 / 2
    return (.lost(milliseconds: milliseconds, next: isNext ? front.packet : nil), due)
  }

  /// A packet time of a gap is left out, if one has to be: nothing that came is missing by that.
  private mutating func leaveOut(_ front: Entry) -> Bool {
    guard pending.skip > 0 else { return false }
    pending.skip -= 1
    nextTime += packetTicks
    guard front.number > nextNumber else { return true }
    nextNumber += 1
    counts.lost += 1
    return true
  }

  private mutating func silence(_ ahead: Int64, _ due: Instant) -> (playout: Playout, due: Instant) {
    var ahead = ahead
    if pending.cut > 0, ahead > packetTicks {
      let packets = min(pending.cut, Int(ahead / packetTicks) - 1)
      pending.cut -= packets
      delay.cut(packets, packet: packet)
      nextTime += Int64(packets) * packetTicks
      ahead -= Int64(packets) * packetTicks
    }
    let length = min(ahead, packetTicks)
    counts.silent += 1
    nextTime += length
    nextDue += nanoseconds(length)
    return (.silence(milliseconds: Int(nanoseconds(length) / 1_000_000)), due)
  }

  private mutating func isEmptyNext() -> (playout: Playout, due: Instant)? {
    guard unsettled < Self.patience else {
      state = .paused
      return nil
    }
    if unsettled == 0 { emptySince = nextTime }
    unsettled += 1
    defer { (nextTime, nextDue) = (nextTime + packetTicks, nextDue + packet) }
    return (isSilent ? .silence(milliseconds: milliseconds) : .underrun(milliseconds: milliseconds), Instant(nanoseconds: nextDue))
  }
}

extension BufferedPacket {
  var isAudio: Bool { if case .audio = content { true } else { false } }
}
