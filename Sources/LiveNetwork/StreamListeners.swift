import NIOCore
import SansIO

/// The listening TCP sockets of one driver.
///
/// A listener outlives every error of accept(2). When no descriptor is left, a spare one is given up for a moment: the connection is taken
/// and closed at once, so that its peer knows. What cannot be taken even so waits; the listener says so and comes back.
final class StreamListeners {
  /// Connections taken in one turn.
  private static let burst = 64
  private static let pause: TimeAmount = .milliseconds(100)
  private static let recovery: TimeAmount = .milliseconds(500)

  private unowned let driver: LiveDriver
  private let calls: any SocketCalls
  private var listeners: [PortID: StreamListener] = [:]
  private var spare: Int32?

  init(_ driver: LiveDriver) {
    self.driver = driver
    calls = driver.calls
  }

  func bind(_ port: PortID, _ address: TransportAddress) {
    do throws(SystemError) {
      let bound = try calls.listen(address)
      let listener = StreamListener(self, port: port, descriptor: bound.descriptor, local: bound.address)
      listeners[port] = listener
      if spare == nil { spare = try? calls.spare() }
      driver.loop.watch(bound.descriptor, listener, reads: true, writes: false)
      driver.tap.record(.bound(bound.address, .listener))
      driver.tell(later: .bound(port, bound.address))
    } catch {
      let failure = BindFailure(error)
      driver.tap.record(.bindFailed(address, failure))
      driver.tell(later: .bindFailed(port, address, failure))
    }
  }

  func unbind(_ port: PortID) {
    guard let listener = listeners.removeValue(forKey: port) else { return }
    driver.tap.record(.unbound(listener.local, .listener))
    close(listener)
  }

  func stop() {
    for listener in listeners.values { close(listener) }
    listeners = [:]
    if let spare { calls.close(spare, isReset: false) }
    spare = nil
  }

  private func close(_ listener: StreamListener) {
    driver.loop.forget(listener.descriptor)
    calls.close(listener.descriptor, isReset: false)
  }

  // MARK: - Accepting

  func ready(_ listener: StreamListener) {
    var failures = 0
    for _ in 0..<Self.burst {
      guard listeners[listener.port] === listener else { break }
      do throws(SystemError) {
        let accepted = try calls.accept(listener.descriptor)
        if accepted.isBeyondLimit {
          calls.close(accepted.descriptor, isReset: true)
          failed(listener, .tooManyDescriptors)
          continue
        }
        succeeded(listener)
        driver.connections.accept(accepted, listener.port)
      } catch {
        if error == .wouldBlock { break }
        failed(listener, error)
        failures += 1
        // A failure of that connection alone (accept(2)): the next one may succeed. One that stays would make the loop spin.
        guard failures < 8, error.isOfDescriptors ? refuse(listener) : !error.isPassing else {
          rest(listener)
          break
        }
      }
    }
    driver.turnEnded()
  }

  /// At the limit some are taken and some are not: it is over when none was refused for a while.
  private func succeeded(_ listener: StreamListener) {
    guard let failure = listener.failure, NIODeadline.now() - failure.at > Self.recovery else { return }
    listener.failure = nil
    driver.tell(later: .acceptsAgain(listener.port))
  }

  private func failed(_ listener: StreamListener, _ error: SystemError) {
    let isNew = listener.failure?.error != error
    listener.failure = (error, .now())
    guard isNew else { return }
    driver.tap.record(.event(SocketFailure(.accept, local: listener.local, error: error)))
    driver.tell(later: .acceptFailed(listener.port, error))
  }

  /// Takes the next connection with the spare descriptor and closes it; false when it cannot be had.
  private func refuse(_ listener: StreamListener) -> Bool {
    guard let descriptor = spare else {
      spare = try? calls.spare()
      return false
    }
    calls.close(descriptor, isReset: false)
    let refused = try? calls.accept(listener.descriptor)
    if let refused { calls.close(refused.descriptor, isReset: true) }
    spare = try? calls.spare()
    return refused != nil
  }

  private func rest(_ listener: StreamListener) {
    driver.loop.watch(listener.descriptor, listener, reads: false, writes: false)
    let timer = driver.loop.newTimer()
    let resume = { [weak self, weak listener, driver] in
      driver.loop.stopTimer(timer)
      guard let self, let listener, self.listeners[listener.port] === listener else { return }
      if self.spare == nil { self.spare = try? self.calls.spare() }
      driver.loop.watch(listener.descriptor, listener, reads: true, writes: false)
    }
    driver.loop.setTimer(timer, at: .now() + Self.pause, .init(fire: resume, abandon: {}))
  }
}

/// One listening socket.
final class StreamListener: SocketHandler {
  let port: PortID
  let descriptor: Int32
  let local: TransportAddress
  /// Why connections were not taken last; nil when they are.
  var failure: (error: SystemError, at: NIODeadline)?
  private unowned let owner: StreamListeners

  init(_ owner: StreamListeners, port: PortID, descriptor: Int32, local: TransportAddress) {
    self.owner = owner
    self.port = port
    self.descriptor = descriptor
    self.local = local
  }

  func ready(_ readiness: Readiness) { owner.ready(self) }
}
