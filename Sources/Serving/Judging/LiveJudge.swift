import Inspection
import LiveNetwork
import NIOCore
import SansIO
import Synchronization

/// Reads and judges what a live host sends and receives, on a thread of its own: no packet waits for it, and it never stops the host.
///
/// ```
///   host's loop: packets ──gathered──► judge's loop: reader, checks ──news──► whoever asked, on the judge's loop
/// ```
// Unchecked: what changes belongs to one of the two loops, as said at each.
final class LiveJudge: JournalSink, @unchecked Sendable {
  private enum Item: Sendable {
    case packet(PacketRecord)
    case secret(KeyLogLine, at: Instant)
    case record(JournalRecord)
    case missed(Int, at: Instant)
  }

  /// Packets that go to the judge's loop together.
  private static let batch = 256
  /// How often ``tick(at:)`` wants to be called, in nanoseconds.
  private static let interval: Int64 = 500_000_000

  private let loop: SocketLoop
  private let mostWaiting: Int
  private let waiting = Atomic<Int>(0)
  // Of the host's loop, and touched for every packet by code that cannot overlap itself.
  @exclusivity(unchecked) private var gathered: [Item] = []
  private var missed = 0
  private(set) var missedInAll = 0
  private var isFinished = false
  // Of the judge's loop.
  @exclusivity(unchecked) private var inspection: LiveInspection
  /// Takes what was found, on the judge's loop; set before the first packet.
  var onNews: (@Sendable ([LiveInspection.News]) -> Void)?

  /// - Parameters:
  ///   - name: the host's.
  ///   - watch: observers of the policy in force.
  ///   - mostWaiting: packets that may wait to be read; what comes then is not judged, and counted.
  init(_ name: String, epoch: Epoch, watch: PolicyWatch? = nil, mostWaiting: Int = 100_000) throws(SystemError) {
    self.mostWaiting = mostWaiting
    loop = try SocketLoop()
    inspection = LiveInspection(path: name, epoch: epoch, watch: watch)
    gathered.reserveCapacity(Self.batch)
  }

  /// Calls `tick` every ``interval`` on the loop, until the task is cancelled.
  func schedule(on loop: any EventLoop, _ tick: @escaping @Sendable () -> Void) -> RepeatedTask {
    let interval = TimeAmount.nanoseconds(Self.interval)
    return loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in tick() }
  }

  // MARK: - On the host's loop

  func hostAdded(_ host: HostID, name: String) {}

  func packet(_ packet: PacketRecord) { add(.packet(packet), at: packet.at) }

  func record(_ record: JournalRecord) {
    switch record.body {
    case .secret(let line): add(.secret(line, at: record.at), at: record.at)
    // Which media ports there are, before a description names them.
    case .bound, .unbound: add(.record(record), at: record.at)
    case .event, .plaintext, .step, .bindFailed, .finding, .note: break
    }
  }

  private func add(_ item: Item, at now: Instant) {
    guard waiting.load(ordering: .relaxed) < mostWaiting else {
      missed += 1
      return
    }
    if missed > 0 { tellMissed(at: now) }
    gathered.append(item)
    if gathered.count >= Self.batch { handOver() }
  }

  private func tellMissed(at now: Instant) {
    gathered.append(.missed(missed, at: now))
    missedInAll += missed
    missed = 0
  }

  private func handOver() {
    guard !gathered.isEmpty else { return }
    let items = gathered
    gathered = []
    gathered.reserveCapacity(Self.batch)
    waiting.add(items.count, ordering: .relaxed)
    loop.execute { [self] in read(items) }
  }

  /// Hands over what was gathered, and has it judged.
  func tick(at now: Instant) {
    handOver()
    loop.execute { [self] in
      let news = inspection.judge(at: now)
      if !news.isEmpty { onNews?(news) }
    }
  }

  /// Everything is judged once more, and told; the thread ends when that is done.
  func finish(at now: Instant) {
    guard !isFinished else { return }
    isFinished = true
    if missed > 0 { tellMissed(at: now) }
    handOver()
    loop.execute { [self] in
      let news = inspection.finish(at: now)
      if !news.isEmpty { onNews?(news) }
    }
  }

  /// Waits for the end of its thread.
  func leave() async { try? await loop.shutdownGracefully() }

  // MARK: - On the judge's loop

  private func read(_ items: [Item]) {
    for item in items {
      switch item {
      case .packet(let packet): inspection.take(packet)
      case .secret(let line, let now): inspection.takeSecrets(line, at: now)
      case .record(let record): inspection.take(record)
      case .missed(let count, let now): inspection.miss(count, at: now)
      }
    }
    waiting.subtract(items.count, ordering: .relaxed)
  }
}
