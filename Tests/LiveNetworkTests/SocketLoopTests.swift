import Dispatch
import Glibc
import NIOCore
import Synchronization
import Testing

@testable import LiveNetwork

@Suite(.timeLimit(.minutes(15))) struct SocketLoopTests {
  private static let hasGivenBack = Atomic<Bool>(false)

  @Test func `a loop is shut down once its thread has given back what is its own, so that a program may end then (pthread_key_create(3))`()
    async throws
  {
    let loop = try SocketLoop()
    var key = pthread_key_t()
    let status = pthread_key_create(&key) { _ in
      // Longer than it takes whoever would not wait.
      _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(200))
      SocketLoopTests.hasGivenBack.store(true, ordering: .sequentiallyConsistent)
    }
    #expect(status == 0)
    let own = key
    #expect(try await loop.submit { pthread_setspecific(own, UnsafeRawPointer(bitPattern: 1)) }.get() == 0)
    try await loop.shutdownGracefully()
    let hasGivenBack = Self.hasGivenBack.load(ordering: .sequentiallyConsistent)
    #expect(hasGivenBack)
    // Whoever comes later has nothing to wait for.
    try await loop.shutdownGracefully()
    #expect(loop.droppedTasks == 0)
  }
}
