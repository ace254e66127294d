/// Timers of one machine, one slot a name: a deadline cannot leak, fire late or be cancelled twice.
///
/// `Name` is an enum of at most eight cases whose raw values count from 0. The table holds no memory of its own on the heap, since every
/// transaction carries one.
public struct TimerTable<Name: RawRepresentable & CaseIterable & Sendable>: Sendable where Name.RawValue == Int {
  @usableFromInline var slots: InlineArray<8, Int64>

  @inlinable public init() { slots = .init(repeating: .max) }

  /// Sets or moves the timer.
  @inlinable public mutating func set(_ name: Name, at instant: Instant) { slots[name.rawValue] = instant.nanoseconds }

  /// Stops the timer; harmless when it does not run.
  @inlinable public mutating func stop(_ name: Name) { slots[name.rawValue] = .max }

  @inlinable public mutating func stopAll() { slots = .init(repeating: .max) }

  /// When the timer fires; nil when it does not run.
  @inlinable public subscript(name: Name) -> Instant? {
    slots[name.rawValue] == .max ? nil : Instant(nanoseconds: slots[name.rawValue])
  }

  /// The earliest deadline of the table.
  @inlinable public var next: Instant? {
    var earliest = Int64.max
    for index in 0..<8 { earliest = min(earliest, slots[index]) }
    return earliest == .max ? nil : Instant(nanoseconds: earliest)
  }

  /// Takes the earliest timer that is due at `now` out of the table; ties go to the lower raw value. Call until nil.
  @inlinable public mutating func takeExpired(at now: Instant) -> Name? {
    var earliest = Int64.max
    var found = -1
    for index in 0..<8 where slots[index] < earliest {
      earliest = slots[index]
      found = index
    }
    guard found >= 0, earliest <= now.nanoseconds else { return nil }
    slots[found] = .max
    return Name(rawValue: found)
  }
}

extension TimerTable: Hashable {
  @inlinable public static func == (left: Self, right: Self) -> Bool {
    (0..<8).allSatisfy { left.slots[$0] == right.slots[$0] }
  }

  @inlinable public func hash(into hasher: inout Hasher) {
    for index in 0..<8 { hasher.combine(slots[index]) }
  }
}
