fn main() {
    let rt = runtime::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let n: u64 = rt.block_on(async {
        let hs: Vec<_> = (0..1000u64).map(|i| runtime::spawn(async move { runtime::task::yield_now().await; i })).collect();
        let mut s = 0;
        for h in hs { s += h.await.unwrap(); }
        s
    });
    println!("{n}");
    println!("{:?}", rt.block_on(rt.spawn_blocking(|| 5)));
    let h = rt.spawn(async { panic!("x") });
    println!("{:?}", rt.block_on(h));
    drop(rt);
    println!("dropped");
}
